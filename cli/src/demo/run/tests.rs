use market::auctions::model::AuctionStatus;
use market::ids::{AuctionId, ItemId};
use uuid::Uuid;

use super::*;
use crate::demo::store::Lot;

const FILE: &str = "auction,duration_days,opening_bid,final_price,bid_no,placed_at_days,bidder,amount\n\
                    a,3,1,1,1,0.5,ann,4\nb,3,1,2,1,0.5,ann,4\nb,3,1,2,2,0.6,bob,1.5\n";

fn lot(bids: Option<i64>) -> Lot {
    Lot {
        item: ItemId(Uuid::nil()),
        listing: None,
        listing_status: None,
        images: 0,
        auction: bids.map(|_| AuctionId(Uuid::nil())),
        auction_status: bids.map(|_| AuctionStatus::Live),
        ends_at: None,
        closed_at: None,
        bids: bids.unwrap_or_default(),
        sold_for: None,
    }
}

#[test]
fn a_round_is_continued_or_another_one_played_by_what_is_stored() {
    let plan = Plan::new(FILE).unwrap();
    for (a, b, expected) in [
        (None, None, Stage::Preparing),
        (Some(lot(None)), None, Stage::Preparing),
        (Some(lot(Some(0))), Some(lot(None)), Stage::Interrupted),
        (Some(lot(Some(0))), Some(lot(Some(0))), Stage::Interrupted),
        (Some(lot(Some(1))), Some(lot(Some(1))), Stage::Interrupted),
        (Some(lot(Some(1))), Some(lot(Some(2))), Stage::Played),
        // One lot's auction was never made.
        (Some(lot(Some(1))), None, Stage::Interrupted),
    ] {
        let lots: Lots =
            [("a", a), ("b", b)].into_iter().filter_map(|(name, lot)| Some((name.to_owned(), lot?))).collect();
        assert_eq!(stage(&plan, &lots), expected, "{lots:?}");
    }
}

#[test]
fn slow_machines_get_more_time() {
    assert_eq!(length(2_811, 1_000.0), Duration::from_secs(30));
    assert_eq!(length(2_811, 100.0).as_secs(), 80);
    assert_eq!(length(2_811, 0.0), Duration::from_mins(10));
}
