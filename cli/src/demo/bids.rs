//! The recorded bids: a CSV file, checked line by line.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::money::{Currency, Money};

use super::plan::Plan;

/// The bids that the demo plays unless told otherwise; `cli/data/auctions/README.md` tells where they come from.
pub(crate) const XBOX: &str = include_str!("../../data/auctions/xbox_bids.csv");

/// What the file's amounts are in.
pub(crate) const CURRENCY: Currency = Currency::USD;

/// One auction as it really happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    pub(crate) duration: TimeDelta,
    pub(crate) opening: Money,
    /// What the lot was sold for.
    pub(crate) final_price: Money,
    /// In the order in which they were placed; never empty.
    pub(crate) bids: Vec<RecordedBid>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedBid {
    /// Within its auction; decides between bids of the same moment.
    pub(crate) number: u32,
    pub(crate) bidder: String,
    /// After the auction's start.
    pub(crate) placed: TimeDelta,
    /// The bidder's secret maximum.
    pub(crate) maximum: Money,
}

#[derive(Deserialize)]
struct Row {
    auction: String,
    duration_days: f64,
    opening_bid: String,
    final_price: String,
    bid_no: u32,
    placed_at_days: f64,
    bidder: String,
    amount: String,
}

/// Reads a file of the same columns.
pub(crate) fn read(path: &Path) -> anyhow::Result<Plan> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    text(&bytes).and_then(Plan::new).with_context(|| path.display().to_string())
}

fn text(bytes: &[u8]) -> anyhow::Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        anyhow::anyhow!("line {line}, byte {column}: this is not UTF-8 text")
    })
}

/// Parses the text; every auction's bids in the order of their time, then of their number.
pub(crate) fn parse(text: &str) -> anyhow::Result<Vec<Recorded>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut auctions: BTreeMap<String, Recorded> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    let headers = reader.headers()?.clone();
    while reader.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let row: Row = record.deserialize(Some(&headers)).with_context(|| format!("line {line}"))?;
        take(row, &mut auctions).with_context(|| format!("line {line}"))?;
    }
    ensure!(!auctions.is_empty(), "there are no bids in it");
    let mut auctions: Vec<_> = auctions.into_values().collect();
    for auction in &mut auctions {
        auction.bids.sort_by_key(|bid| (bid.placed, bid.number));
        let mut numbers: Vec<_> = auction.bids.iter().map(|bid| bid.number).collect();
        numbers.sort_unstable();
        ensure!(numbers.is_sorted_by(|a, b| a < b), "{} has two bids of the same number", auction.name);
    }
    Ok(auctions)
}

fn take(row: Row, auctions: &mut BTreeMap<String, Recorded>) -> anyhow::Result<()> {
    ensure!(is_name(&row.auction), "the auction {:?} needs a name of 1 to 40 letters, digits and -", row.auction);
    ensure!(is_name(&row.bidder), "the bidder {:?} needs a name of 1 to 40 letters, digits and -", row.bidder);
    let duration = days(row.duration_days).context("duration_days")?;
    ensure!(duration > TimeDelta::zero(), "duration_days must be above 0");
    let opening = amount(&row.opening_bid).context("opening_bid")?;
    let final_price = amount(&row.final_price).context("final_price")?;
    let placed = days(row.placed_at_days).context("placed_at_days")?;
    let maximum = amount(&row.amount).context("amount")?;
    let auction = auctions.entry(row.auction.clone()).or_insert_with(|| Recorded {
        name: row.auction,
        duration,
        opening,
        final_price,
        bids: Vec::new(),
    });
    ensure!(
        (auction.duration, auction.opening, auction.final_price) == (duration, opening, final_price),
        "{} has another duration, opening bid or final price than on the lines before",
        auction.name
    );
    auction.bids.push(RecordedBid { number: row.bid_no, bidder: row.bidder, placed, maximum });
    Ok(())
}

/// Names become part of addresses, keys and titles.
fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn days(days: f64) -> anyhow::Result<TimeDelta> {
    ensure!((0.0..=3_650.0).contains(&days), "{days} days is not between 0 and 3650");
    #[expect(clippy::cast_possible_truncation, reason = "ten years have fewer microseconds than an i64 holds")]
    Ok(TimeDelta::microseconds((days * 86_400e6).round() as i64))
}

fn amount(text: &str) -> anyhow::Result<Money> {
    let money =
        Money::parse(text, CURRENCY).with_context(|| format!("{text:?} is no amount in {}", CURRENCY.code()))?;
    ensure!(money.minor() > 0, "{text:?} is not above 0");
    Ok(money)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "auction,duration_days,opening_bid,final_price,bid_no,placed_at_days,bidder,amount\n";

    #[test]
    fn the_recorded_auctions_are_all_there() {
        let auctions = parse(XBOX).unwrap();
        assert_eq!(auctions.len(), 149);
        assert_eq!(auctions.iter().map(|auction| auction.bids.len()).sum::<usize>(), 2_811);
        assert!(auctions.iter().all(|auction| auction.bids.is_sorted_by_key(|bid| bid.placed)));
    }

    #[test]
    fn bids_come_in_the_order_of_their_time() {
        let auctions = parse(&format!("{HEAD}a,3,1,5,2,2.5,y,5\na,3,1,5,1,0.5,x,4\n")).unwrap();
        let bidders: Vec<_> = auctions[0].bids.iter().map(|bid| bid.bidder.as_str()).collect();
        assert_eq!(bidders, ["x", "y"]);
    }

    #[test]
    fn faults_name_their_line() {
        for (row, expected) in [
            ("a,3,1,5,1,0.5,x,four", "line 2: amount"),
            ("a,3,1,5,1,0.5,x,0", "line 2: amount"),
            ("a,3,1,5,1,-1,x,4", "line 2: placed_at_days"),
            ("a,0,1,5,1,0.5,x,4", "line 2: duration_days"),
            ("a b,3,1,5,1,0.5,x,4", "line 2: the auction"),
            ("a,3,1,5,1,0.5", "line: 2"),
            ("a,3,1,5,1,0.5,x,4\na,3,2,5,2,0.6,y,5", "line 3: a has another"),
            ("a,3,1,5,1,0.5,x,4\na,3,1,5,1,0.6,y,5", "two bids of the same number"),
        ] {
            let error = format!("{:#}", parse(&format!("{HEAD}{row}\n")).unwrap_err());
            assert!(error.contains(expected), "{row}: {error}");
        }
        assert!(parse(HEAD).is_err());
        assert!(parse("a,b\n1,2\n").is_err());
        assert!(parse("").is_err());
    }
}
