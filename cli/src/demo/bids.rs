//! The recorded bids: a CSV file, checked line by line.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use chrono::TimeDelta;
use shared::money::{Currency, MAX_TRADED_MINOR, Money};

use super::plan::Plan;

/// The bids that the demo plays unless another file is given; `cli/data/auctions/README.md` names
/// their source.
pub(crate) const XBOX: &str = include_str!("../../data/auctions/xbox_bids.csv");

/// The currency of the file's amounts.
pub(crate) const CURRENCY: Currency = Currency::USD;

/// One auction as it really happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    pub(crate) duration: TimeDelta,
    pub(crate) opening: Money,
    /// The price that the lot was sold for.
    pub(crate) final_price: Money,
    /// In the order in which they were placed; never empty.
    pub(crate) bids: Vec<RecordedBid>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedBid {
    /// Its number within the auction, which decides the order of bids placed at the same moment.
    pub(crate) number: u32,
    pub(crate) bidder: String,
    /// The time since the auction's start.
    pub(crate) placed: TimeDelta,
    /// The bidder's secret maximum.
    pub(crate) maximum: Money,
}

/// The columns that the first line must name, in any order; others are ignored.
const COLUMNS: [&str; 8] =
    ["auction", "duration_days", "opening_bid", "final_price", "bid_no", "placed_at_days", "bidder", "amount"];

/// Reads another file with the same columns.
pub(crate) fn read(path: &Path) -> anyhow::Result<Plan> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    text(&bytes).and_then(Plan::new).with_context(|| path.display().to_string())
}

fn text(bytes: &[u8]) -> anyhow::Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let (line, rest) = before.split(|byte| *byte == b'\n').enumerate().last().unwrap_or_default();
        anyhow!("line {}, byte {}: this is not UTF-8 text", line + 1, rest.len() + 1)
    })
}

/// Parses the text and sorts each auction's bids by their time, then by their number. Errors name
/// line and column.
pub(crate) fn parse(text: &str) -> anyhow::Result<Vec<Recorded>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let missing: Vec<_> = COLUMNS.into_iter().filter(|name| headers.iter().all(|header| header != *name)).collect();
    ensure!(missing.is_empty(), "line 1 lacks the column {}; it needs {}", missing.join(", "), COLUMNS.join(","));
    let mut auctions: BTreeMap<String, Recorded> = BTreeMap::new();
    let mut lines: HashMap<(String, u32), u64> = HashMap::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(uneven)? {
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row { headers: &headers, record: &record };
        let (auction, number) = row.take(&mut auctions).with_context(|| format!("line {line}"))?;
        if let Some(before) = lines.insert((auction.clone(), number), line) {
            bail!("line {line}, column bid_no: bid {number} of {auction} is on line {before} already");
        }
    }
    ensure!(!auctions.is_empty(), "there are no bids in it");
    let mut auctions: Vec<_> = auctions.into_values().collect();
    for auction in &mut auctions {
        auction.bids.sort_by_key(|bid| (bid.placed, bid.number));
    }
    Ok(auctions)
}

fn uneven(error: csv::Error) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos: Some(position), expected_len, len } => {
            anyhow!("line {}: {len} columns, but line 1 names {expected_len}", position.line())
        }
        _ => error.into(),
    }
}

/// A line whose columns are read by name.
struct Row<'a> {
    headers: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    /// Reads one column.
    fn read<T>(&self, column: &'static str, parse: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let place = self.headers.iter().position(|header| header == column);
        let text = place.and_then(|place| self.record.get(place)).unwrap_or_default();
        parse(text).with_context(|| format!("column {column}"))
    }

    /// Adds the line's bid to its auction; returns the auction's name and the bid's number.
    fn take(&self, auctions: &mut BTreeMap<String, Recorded>) -> anyhow::Result<(String, u32)> {
        let name = self.read("auction", name)?;
        let duration = self.read("duration_days", |text| {
            let duration = days(text)?;
            ensure!(duration > TimeDelta::zero(), "it must be above 0");
            Ok(duration)
        })?;
        let (opening, final_price) = (self.read("opening_bid", amount)?, self.read("final_price", amount)?);
        let number =
            self.read("bid_no", |text| text.parse().with_context(|| format!("{text:?} is not the number of a bid")))?;
        let placed = self.read("placed_at_days", days)?;
        let bidder = self.read("bidder", self::name)?;
        let maximum = self.read("amount", amount)?;
        let auction = auctions.entry(name.clone()).or_insert_with(|| Recorded {
            name: name.clone(),
            duration,
            opening,
            final_price,
            bids: Vec::new(),
        });
        for (column, same) in [
            ("duration_days", auction.duration == duration),
            ("opening_bid", auction.opening == opening),
            ("final_price", auction.final_price == final_price),
        ] {
            ensure!(same, "column {column}: {name} has another one on the lines before");
        }
        auction.bids.push(RecordedBid { number, bidder, placed, maximum });
        Ok((name, number))
    }
}

/// Checks a name, which becomes part of addresses, keys and titles.
fn name(text: &str) -> anyhow::Result<String> {
    let fits = (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    ensure!(fits, "{text:?} is not a name of 1 to 40 letters, digits and -");
    Ok(text.to_owned())
}

fn days(text: &str) -> anyhow::Result<TimeDelta> {
    let days: f64 = text.parse().with_context(|| format!("{text:?} is not a number of days"))?;
    ensure!((0.0..=3_650.0).contains(&days), "{text} days are not between 0 and 3650");
    #[expect(clippy::cast_possible_truncation, reason = "ten years have fewer microseconds than an i64 holds")]
    Ok(TimeDelta::microseconds((days * 86_400e6).round() as i64))
}

fn amount(text: &str) -> anyhow::Result<Money> {
    let money =
        Money::parse(text, CURRENCY).with_context(|| format!("{text:?} is not an amount in {}", CURRENCY.code()))?;
    ensure!((1..=MAX_TRADED_MINOR).contains(&money.minor()), "{text} is not above 0, or absurd");
    Ok(money)
}

#[cfg(test)]
mod tests;
