//! The engine against 149 real auctions: `cli/data/auctions/README.md` says where they come from.

use std::collections::BTreeMap;

use shared::money::Money;

use super::*;

#[derive(serde::Deserialize)]
struct Row {
    auction: String,
    duration_days: i64,
    opening_bid: String,
    final_price: String,
    placed_at_days: String,
    bidder: String,
    amount: String,
}

fn cents(text: &str) -> i64 {
    Money::parse(text, Currency::USD).expect(text).minor()
}

/// A decimal number of days, in whole microseconds after the start.
fn moment(days: &str) -> DateTime<Utc> {
    let (whole, fraction) = days.split_once('.').unwrap_or((days, ""));
    let millionths: i64 = format!("{whole}{fraction:0<6}").parse().expect(days);
    second(0) + TimeDelta::microseconds(millionths * DAY)
}

#[test]
fn xbox_auctions_replay() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/auctions/xbox_bids.csv");
    let mut reader = csv::Reader::from_path(path).expect("the recorded auctions");
    let mut auctions: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in reader.deserialize() {
        let row: Row = row.expect("a row");
        auctions.entry(row.auction.clone()).or_default().push(row);
    }
    let (mut accepted, mut not_raised, mut below, mut exact) = (0, 0, 0, 0);
    for rows in auctions.values_mut() {
        rows.sort_by_key(|row| moment(&row.placed_at_days));
        let mut lot = auction();
        lot.terms.soft_close = TimeDelta::zero();
        lot.terms.increments = IncrementTable::default_for(Currency::USD);
        lot.terms.opening = cents(&rows[0].opening_bid);
        lot.standing.price = lot.terms.opening;
        lot.ends_at = second(rows[0].duration_days * DAY);
        lot.terms.hard_end = lot.ends_at;
        for row in rows.iter() {
            let number: u128 = row.bidder[7..].parse().expect("a bidder number");
            let bid = Bid {
                bidder: Bidder {
                    org: OrgId(Uuid::from_u128(number)),
                    of_seller: false,
                    approved: true,
                    broker: false,
                    limit: Limit::None,
                },
                maximum: Secret::new(cents(&row.amount)),
                quantity: None,
                at: moment(&row.placed_at_days),
            };
            match lot.bid(bid) {
                Ok(_) => accepted += 1,
                Err(Refused::NotARaise) => not_raised += 1,
                Err(Refused::BelowMinimum { .. }) => below += 1,
                Err(other) => panic!("{}: {other}", row.auction),
            }
        }
        if let Ok(Closing::Awarded { price, .. }) = decide_close(&lot, lot.ends_at)
            && price == cents(&rows[0].final_price)
        {
            exact += 1;
        }
    }
    assert_eq!(auctions.len(), 149);
    assert_eq!((accepted, not_raised, below), (2_776, 34, 1));
    assert_eq!(exact, 144);
}
