//! Divisible lots.

use proptest::prelude::*;

use super::*;

/// 100 units from 2.00 EUR each, nobody gets less than 10.
fn scrap() -> State {
    let mut lot = auction();
    lot.terms.opening = 200;
    lot.standing.price = 200;
    lot.terms.lot = Lot::Divisible { quantity: 100, min_order: 10 };
    lot
}

fn units(n: u8, price: i64, quantity: i64) -> Bid {
    Bid { quantity: Some(quantity), ..offer(n, price, 60) }
}

fn shares(lot: &State) -> Vec<(OrgId, i64, i64)> {
    match decide_close(lot, lot.ends_at).expect("closes") {
        Closing::Allocated(shares) => {
            shares.iter().map(|share| (share.bid.org, share.bid.price, share.quantity)).collect()
        }
        Closing::Unsold => Vec::new(),
        other @ (Closing::Awarded { .. } | Closing::OnApproval { .. } | Closing::Cancelled) => {
            panic!("a divisible lot has no single winner: {other:?}")
        }
    }
}

#[test]
fn everybody_pays_the_own_bid_by_price_then_time() {
    let mut lot = scrap();
    for bid in [units(1, 300, 50), units(2, 500, 30), units(3, 300, 50)] {
        assert_eq!(lot.bid(bid).expect("accepted").effect, Effect::Leads);
    }
    assert_eq!(shares(&lot), [(org(2), 500, 30), (org(1), 300, 50), (org(3), 300, 20)]);
}

#[test]
fn a_rest_below_the_minimum_order_stays_unsold() {
    let mut lot = scrap();
    lot.bid(units(1, 500, 95)).expect("accepted");
    assert_eq!(lot.next_minimum(), 550);
    lot.book.push(BookBid { seq: 2, org: org(2), price: 300, quantity: 10 });
    assert_eq!(shares(&lot), [(org(1), 500, 95)]);
}

#[test]
fn a_lot_that_is_spoken_for_takes_only_better_bids() {
    let mut lot = scrap();
    assert_eq!(lot.next_minimum(), 200);
    lot.bid(units(1, 300, 60)).expect("accepted");
    assert_eq!(lot.next_minimum(), 200);
    lot.bid(units(2, 250, 60)).expect("accepted");
    assert_eq!(lot.standing.price, 250);
    let low = lot.bid(units(3, 274, 10));
    assert_eq!(low, Err(Refused::BelowMinimum { minimum: 275 }));
    lot.bid(units(3, 275, 90)).expect("accepted");
    assert_eq!(shares(&lot), [(org(1), 300, 60), (org(3), 275, 40)]);
}

#[test]
fn quantities_lie_between_the_minimum_order_and_the_lot() {
    let mut lot = scrap();
    let refused = Err(Refused::Quantity { min: 10, max: 100 });
    for quantity in [0, 9, 101, -5, i64::MAX] {
        assert_eq!(lot.bid(units(1, 300, quantity)), refused);
    }
    assert_eq!(lot.bid(offer(1, 300, 60)), refused);
    let absurd = lot.bid(units(1, MAX_TRADED_MINOR / 50, 51));
    assert_eq!(absurd, Err(Refused::TooLarge));
    assert_eq!(shares(&lot), []);
}

#[test]
fn a_late_bid_moves_the_end_of_a_divisible_lot_too() {
    let mut lot = scrap();
    let late = Bid { at: second(DAY - 60), ..units(1, 300, 50) };
    let accepted = lot.bid(late).expect("accepted");
    assert_eq!(accepted.ends_at, second(DAY + 240));
    assert_eq!(accepted.visible, 300);
}

proptest! {
    #[test]
    fn allocation_is_fair_and_fits(
        lot in 1_i64..500,
        min_order in 1_i64..60,
        bids in prop::collection::vec((1_u8..6, 1_i64..20, 0_i64..200), 0..20),
    ) {
        prop_assume!(min_order <= lot);
        let book: Vec<_> = (1..).zip(&bids).map(|(seq, &(n, price, more))| BookBid {
            seq,
            org: org(n),
            price,
            quantity: (min_order + more).min(lot),
        }).collect();
        let served = allocate(lot, min_order, &book);
        let given: i64 = served.iter().map(|share| share.quantity).sum();
        prop_assert!(given <= lot);
        for share in &served {
            prop_assert!(share.quantity >= min_order && share.quantity <= share.bid.quantity);
        }
        // Nobody goes short while a worse bid is served: only the last one served may be cut.
        for bid in &book {
            let got = served.iter().find(|share| share.bid.seq == bid.seq).map_or(0, |share| share.quantity);
            let worse_served = served.iter().any(|share| (share.bid.price, -share.bid.seq) < (bid.price, -bid.seq));
            prop_assert!(got == bid.quantity || !worse_served);
        }
        // A bid gets nothing only if less than a minimum order is left.
        if served.len() < book.len() {
            prop_assert!(lot - given < min_order);
        }
    }
}

#[test]
fn whoever_loses_a_share_is_outbid_once_and_nobody_by_the_own_bid() {
    let mut lot = scrap();
    let mut outbid = |bid| lot.bid(bid).expect("accepted").outbid;
    assert_eq!(outbid(units(1, 300, 40)), []);
    assert_eq!(outbid(units(1, 310, 40)), []);
    assert_eq!(outbid(units(2, 300, 20)), []);
    assert_eq!(outbid(units(1, 500, 30)), [org(2)]);
    assert_eq!(outbid(units(3, 600, 100)), [org(1)]);
}

proptest! {
    /// A bid is judged only by the bids that can be served: the store reads no others.
    #[test]
    fn bids_that_get_nothing_decide_nothing(
        bids in prop::collection::vec((1_u8..5, 200_i64..400, 10_i64..60), 1..40),
        (n, price, quantity) in (1_u8..5, 200_i64..500, 10_i64..60),
    ) {
        let mut lot = scrap();
        for (n, price, quantity) in bids {
            // A refused bid leaves the lot as it is.
            let _ = lot.bid(units(n, price, quantity));
        }
        let mut short = lot.clone();
        short.book.sort_by_key(|bid| std::cmp::Reverse((bid.price, -bid.seq)));
        short.book.truncate(usize::try_from(most_served(100, 10)).expect("a number"));
        prop_assert_eq!(lot.next_minimum(), short.next_minimum());
        prop_assert_eq!(shares(&lot), shares(&short));
        let bid = units(n, price, quantity);
        let (long, brief) = (decide_bid(&lot, &bid), decide_bid(&short, &bid));
        prop_assert_eq!(&long, &brief);
        if let (Ok(long), Ok(brief)) = (long, brief) {
            prop_assert_eq!(lot.after(&long, &bid).next_minimum(), short.after(&brief, &bid).next_minimum());
        }
    }
}
