//! The rules, example by example; `model` compares them with a naive recomputation, `replay` with real auctions.

mod approval;
mod divisible;
mod model;
mod notice;
mod replay;

use chrono::{DateTime, TimeDelta, Utc};
use shared::money::Currency;
use uuid::Uuid;

use super::*;

/// Organisation `n`; 0 is the seller.
pub(super) fn org(n: u8) -> OrgId {
    OrgId(Uuid::from_u128(u128::from(n)))
}

/// `n` seconds after the start.
pub(super) fn second(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + n, 0).expect("a time")
}

pub(super) const DAY: i64 = 86_400;

/// A live auction of one day: opening 10.00 EUR, soft close 5 minutes, hard end an hour after the end.
pub(super) fn auction() -> State {
    State {
        terms: Terms {
            seller: org(0),
            opening: 1_000,
            reserve: None,
            buy_now: None,
            increments: IncrementTable::default_for(Currency::EUR),
            brokers_excluded: false,
            starts_at: second(0),
            hard_end: second(DAY + 3_600),
            soft_close: TimeDelta::minutes(5),
            lot: Lot::Whole,
        },
        seller_approved: true,
        listing_suspended: false,
        status: AuctionStatus::Live,
        ends_at: second(DAY),
        seq: 0,
        standing: Standing { price: 1_000, leader: None },
        book: Vec::new(),
    }
}

pub(super) fn bidder(n: u8) -> Bidder {
    Bidder { org: org(n), of_seller: false, approved: true, broker: false, limit: Limit::None }
}

pub(super) fn offer(n: u8, maximum: i64, at: i64) -> Bid {
    Bid { bidder: bidder(n), maximum: Secret::new(maximum), quantity: None, at: second(at) }
}

impl State {
    /// Applies an accepted bid, as the store does.
    pub(super) fn bid(&mut self, bid: Bid) -> Result<Accepted, Refused> {
        let accepted = decide_bid(self, &bid)?;
        *self = self.after(&accepted, &bid);
        Ok(accepted)
    }

    fn take(&mut self, n: u8, maximum: i64) -> Effect {
        self.bid(offer(n, maximum, 60)).expect("accepted").effect
    }

    fn leads(&self) -> Option<(OrgId, i64)> {
        let leader = self.standing.leader?;
        Some((leader.org, self.standing.price))
    }
}

#[test]
fn the_first_bid_must_reach_the_opening_and_leaves_the_price_there() {
    let mut lot = auction();
    let low = lot.bid(offer(1, 999, 60));
    assert_eq!(low, Err(Refused::BelowMinimum { minimum: 1_000 }));
    assert_eq!(lot.take(1, 9_000), Effect::Leads);
    assert_eq!(lot.leads(), Some((org(1), 1_000)));
}

#[test]
fn the_maximum_bids_for_its_owner() {
    let mut lot = auction();
    lot.take(1, 5_000);
    assert_eq!(lot.next_minimum(), 1_050);
    let low = lot.bid(offer(2, 1_049, 60));
    assert_eq!(low, Err(Refused::BelowMinimum { minimum: 1_050 }));
    // The loser's maximum and one increment (1.00 at 30.00).
    assert_eq!(lot.take(2, 3_000), Effect::Outbid);
    assert_eq!(lot.leads(), Some((org(1), 3_100)));
    // Less than an increment above the leader's maximum: the price is the new maximum.
    assert_eq!(lot.take(3, 5_040), Effect::Leads);
    assert_eq!(lot.leads(), Some((org(3), 5_040)));
}

#[test]
fn of_equal_maxima_the_earlier_leads_at_that_amount() {
    let mut lot = auction();
    lot.take(1, 5_000);
    assert_eq!(lot.take(2, 5_000), Effect::Outbid);
    assert_eq!(lot.leads(), Some((org(1), 5_000)));
}

#[test]
fn a_leaders_raise_changes_neither_price_nor_end() {
    let mut lot = auction();
    lot.take(1, 5_000);
    lot.take(2, 3_000);
    for maximum in [3_100, 5_000] {
        let kept = lot.bid(offer(1, maximum, DAY - 1));
        assert_eq!(kept, Err(Refused::NotARaise));
    }
    let raise = lot.bid(offer(1, 8_000, DAY - 1)).expect("raised");
    assert_eq!(raise.effect, Effect::Raised);
    assert_eq!(raise.ends_at, second(DAY));
    assert_eq!(lot.leads(), Some((org(1), 3_100)));
    lot.take(3, 7_000);
    assert_eq!(lot.leads(), Some((org(1), 7_100)));
}

#[test]
fn a_maximum_at_the_reserve_lifts_the_price_to_it_at_once() {
    let mut lot = auction();
    lot.terms.reserve = Some(Secret::new(4_000));
    lot.take(1, 3_999);
    assert_eq!(lot.leads(), Some((org(1), 1_000)));
    assert!(!lot.reserve_met());
    lot.take(2, 4_000);
    assert_eq!(lot.leads(), Some((org(2), 4_000)));
    assert!(lot.reserve_met());
}

#[test]
fn a_leaders_raise_to_the_reserve_meets_it() {
    let mut lot = auction();
    lot.terms.reserve = Some(Secret::new(4_000));
    lot.take(1, 2_000);
    assert_eq!(lot.take(1, 6_000), Effect::Raised);
    assert_eq!(lot.leads(), Some((org(1), 4_000)));
    assert!(lot.reserve_met());
}

#[test]
fn without_a_reserve_it_counts_as_met() {
    assert!(auction().reserve_met());
    let mut lot = auction();
    lot.terms.reserve = Some(Secret::new(4_000));
    lot.standing.price = 4_000;
    assert!(!lot.reserve_met(), "no bid, no sale");
}

#[test]
fn a_late_bid_moves_the_end_but_never_past_the_hard_end() {
    let mut lot = auction();
    let early = lot.bid(offer(1, 2_000, DAY - 301)).expect("accepted");
    assert_eq!(early.ends_at, second(DAY));
    let late = lot.bid(offer(2, 3_000, DAY - 299)).expect("accepted");
    assert_eq!(late.ends_at, second(DAY + 1));
    // Outbid at once, yet accepted: it moves the end too.
    let outbid = lot.bid(offer(1, 2_500, DAY)).expect("accepted");
    assert_eq!(outbid.effect, Effect::Outbid);
    assert_eq!(outbid.ends_at, second(DAY + 300));
    let refused = lot.bid(offer(1, 1, DAY + 200));
    assert!(refused.is_err());
    assert_eq!(lot.ends_at, second(DAY + 300));
    lot.ends_at = second(DAY + 3_500);
    let last = lot.bid(offer(1, 9_000, DAY + 3_499)).expect("accepted");
    assert_eq!(last.ends_at, second(DAY + 3_600));
    let after = lot.bid(offer(2, 99_000, DAY + 3_600));
    assert_eq!(after, Err(Refused::Ended));
}

#[test]
fn a_soft_close_of_zero_is_off() {
    let mut lot = auction();
    lot.terms.soft_close = TimeDelta::zero();
    let late = lot.bid(offer(1, 2_000, DAY - 1)).expect("accepted");
    assert_eq!(late.ends_at, second(DAY));
    assert_eq!(lot.bid(offer(2, 3_000, DAY)), Err(Refused::Ended));
}

#[test]
fn bids_are_taken_from_the_start_to_just_before_the_end() {
    let mut lot = auction();
    lot.status = AuctionStatus::Scheduled;
    assert_eq!(lot.bid(offer(1, 2_000, -1)), Err(Refused::NotStarted));
    assert!(lot.bid(offer(1, 2_000, 0)).is_ok(), "the opening job may be late");
    for status in [AuctionStatus::Awarded, AuctionStatus::Cancelled] {
        lot.status = status;
        assert_eq!(lot.bid(offer(2, 9_000, 60)), Err(Refused::Ended));
    }
}

#[test]
fn who_may_not_bid_may_not_buy_either() {
    let mut lot = auction();
    lot.terms.buy_now = Some(9_000);
    lot.terms.brokers_excluded = true;
    let pending = Bidder { approved: false, ..bidder(1) };
    let broker = Bidder { broker: true, ..bidder(1) };
    let sellers = Bidder { of_seller: true, ..bidder(1) };
    let cases = [
        (bidder(0), Refused::OwnLot),
        (sellers, Refused::SellersPeople),
        (pending, Refused::NotApproved),
        (broker, Refused::BrokersExcluded),
    ];
    for (bidder, refusal) in cases {
        let bid = Bid { bidder, ..offer(1, 2_000, 60) };
        assert_eq!(decide_bid(&lot, &bid), Err(refusal));
        assert_eq!(decide_buy_now(&lot, bidder, second(60)), Err(refusal));
    }
    lot.terms.brokers_excluded = false;
    assert_eq!(decide_buy_now(&lot, broker, second(60)), Ok(9_000));
}

#[test]
fn while_the_listing_is_suspended_nobody_buys_and_at_the_end_nobody_wins() {
    let mut lot = auction();
    lot.terms.buy_now = Some(9_000);
    lot.take(1, 2_000);
    lot.listing_suspended = true;
    assert_eq!(lot.bid(offer(2, 9_000, 60)), Err(Refused::ListingSuspended));
    assert_eq!(decide_buy_now(&lot, bidder(2), second(60)), Err(Refused::ListingSuspended));
    assert_eq!(decide_close(&lot, lot.ends_at), Ok(Closing::Cancelled));
    lot.listing_suspended = false;
    lot.take(2, 9_000);
    assert!(matches!(decide_close(&lot, lot.ends_at), Ok(Closing::Awarded { .. })));
}

#[test]
fn buy_now_goes_with_the_first_bid_or_with_the_reserve() {
    let at = second(60);
    let mut lot = auction();
    assert_eq!(decide_buy_now(&lot, bidder(2), at), Err(Refused::BuyNowGone));
    lot.terms.buy_now = Some(9_000);
    assert_eq!(decide_buy_now(&lot, bidder(2), at), Ok(9_000));
    lot.take(1, 2_000);
    assert_eq!(decide_buy_now(&lot, bidder(2), at), Err(Refused::BuyNowGone));

    let mut lot = auction();
    lot.terms.buy_now = Some(9_000);
    lot.terms.reserve = Some(Secret::new(4_000));
    lot.take(1, 2_000);
    assert_eq!(decide_buy_now(&lot, bidder(2), at), Ok(9_000));
    lot.take(2, 4_000);
    assert_eq!(decide_buy_now(&lot, bidder(3), at), Err(Refused::BuyNowGone));
    assert_eq!(decide_buy_now(&lot, bidder(3), second(DAY)), Err(Refused::Ended));
}

#[test]
fn a_whole_lot_takes_no_quantity_and_no_absurd_amount() {
    let mut lot = auction();
    let counted = Bid { quantity: Some(1), ..offer(1, 2_000, 60) };
    assert_eq!(lot.bid(counted), Err(Refused::QuantityOnWholeLot));
    let absurd = lot.bid(offer(1, MAX_TRADED_MINOR + 1, 60));
    assert_eq!(absurd, Err(Refused::TooLarge));
    assert_eq!(lot.take(1, MAX_TRADED_MINOR), Effect::Leads);
}

#[test]
fn the_close_obeys_the_moved_end_and_happens_once() {
    let mut lot = auction();
    lot.take(1, 2_000);
    lot.ends_at = second(DAY + 1);
    let ends_at = lot.ends_at;
    let early = decide_close(&lot, second(DAY));
    assert_eq!(early, Err(KeptOpen::NotYet { ends_at }));
    let closing = decide_close(&lot, ends_at).expect("closes");
    let Closing::Awarded { winner, price } = closing else {
        panic!("not awarded: {closing:?}");
    };
    assert_eq!((winner.org, price), (org(1), 1_000));
    lot.status = AuctionStatus::Awarded;
    let again = decide_close(&lot, ends_at);
    assert_eq!(again, Err(KeptOpen::Already(AuctionStatus::Awarded)));
}

#[test]
fn without_a_bid_it_is_unsold_and_below_the_reserve_the_seller_decides() {
    let mut lot = auction();
    assert_eq!(decide_close(&lot, second(DAY)), Ok(Closing::Unsold));
    lot.terms.reserve = Some(Secret::new(4_000));
    lot.take(1, 3_999);
    let closing = decide_close(&lot, second(DAY));
    assert!(matches!(closing, Ok(Closing::OnApproval { bidder, price: 1_000 }) if bidder.org == org(1)), "{closing:?}");
}

#[test]
fn retraction_is_free_early_and_for_an_hour_later() {
    let lot = auction();
    let judge = |owner, placed, at| decide_retraction(&lot, org(1), org(owner), second(placed), second(at));
    let half = DAY / 2;
    assert_eq!(judge(1, 0, half - 1), Ok(()));
    assert_eq!(judge(1, 0, half), Err(RetractRefused::TooLate));
    assert_eq!(judge(1, half, half + 3_600), Ok(()));
    assert_eq!(judge(1, half, half + 3_601), Err(RetractRefused::TooLate));
    assert_eq!(judge(2, half, half), Err(RetractRefused::NotYours));
    assert_eq!(judge(1, DAY - 1, DAY), Err(RetractRefused::Ended));
}

#[test]
fn a_retracted_lead_goes_to_the_best_that_remains() {
    let mut lot = auction();
    lot.take(1, 3_000);
    lot.take(2, 9_000);
    lot.take(3, 5_000);
    assert_eq!(lot.leads(), Some((org(2), 5_100)));
    let rest = [(1, 3_000, 1), (3, 5_000, 3)]
        .map(|(n, maximum, seq)| Offer { org: org(n), rank: Rank { amount: Secret::new(maximum), seq } });
    lot.standing = replay(&lot.terms, rest);
    assert_eq!(lot.leads(), Some((org(3), 3_100)));
    lot.standing = replay(&lot.terms, []);
    assert_eq!(lot.leads(), None);
    assert_eq!(lot.next_minimum(), 1_000);
}

#[test]
fn secrets_do_not_print() {
    let mut lot = auction();
    lot.terms.reserve = Some(Secret::new(771_771));
    lot.take(1, 881_881);
    let printed = format!("{lot:?} {:?}", offer(1, 991_991, 0));
    for secret in ["881881", "991991"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    // The price is at the reserve now, so only the reserve's own field is checked.
    assert!(printed.contains("reserve: Some(Secret)"), "{printed}");
}
