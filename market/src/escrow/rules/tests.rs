use proptest::prelude::*;
use shared::money::Currency;

use super::*;
use crate::ids::OrderId;
use crate::testing::eur;

fn noon() -> DateTime<Utc> {
    "2026-11-27T12:00:00Z".parse().expect("a time")
}

/// Ten euros, delivered, to be inspected until noon.
fn held() -> Escrow {
    Escrow {
        order: OrderId(uuid::Uuid::nil()),
        status: EscrowStatus::Held,
        amount: eur(1_000),
        released: eur(0),
        refunded: eur(0),
        inspect_until: Some(noon()),
    }
}

const SECOND: TimeDelta = TimeDelta::seconds(1);

#[test]
fn until_a_time_the_buyer_may_find_fault_and_from_then_on_the_seller_has_the_money() {
    let early = noon() - SECOND;
    assert_eq!(decide(&held(), Wish::Lapse, early), Err(EscrowRefusal::TooEarly { until: noon() }));
    assert_eq!(decide(&held(), Wish::Freeze, early).map(|next| next.status), Ok(EscrowStatus::Frozen));
    for now in [noon(), noon() + SECOND] {
        let released = Next { status: EscrowStatus::Released, refund: None, release: Some(eur(1_000)) };
        assert_eq!(decide(&held(), Wish::Lapse, now), Ok(released));
        assert_eq!(decide(&held(), Wish::Freeze, now), Err(EscrowRefusal::TooLate { since: noon() }));
    }
    assert_eq!(decide(&held(), Wish::Accept, early).map(|next| next.status), Ok(EscrowStatus::Released));
}

#[test]
fn what_was_not_delivered_is_neither_accepted_nor_inspected() {
    let sent = Escrow { inspect_until: None, ..held() };
    for wish in [Wish::Accept, Wish::Lapse] {
        assert_eq!(decide(&sent, wish, noon()), Err(EscrowRefusal::NotDelivered));
    }
    assert!(decide(&sent, Wish::Freeze, noon()).is_ok(), "it may never come");
}

#[test]
fn a_dispute_is_decided_before_anything_moves() {
    let frozen = Escrow { status: EscrowStatus::Frozen, ..held() };
    for wish in [Wish::Accept, Wish::Lapse, Wish::Freeze, Wish::Refund(eur(1))] {
        assert_eq!(decide(&frozen, wish, noon()), Err(EscrowRefusal::Frozen));
    }
    for wish in [Wish::Thaw, Wish::Decide(eur(1))] {
        assert_eq!(decide(&held(), wish, noon()), Err(EscrowRefusal::NotFrozen));
    }
    let decided = |refund: i64| decide(&frozen, Wish::Decide(eur(refund)), noon());
    let next = |status, refund, release| Ok(Next { status, refund, release });
    assert_eq!(decided(1_000), next(EscrowStatus::Refunded, Some(eur(1_000)), None));
    assert_eq!(decided(0), next(EscrowStatus::Released, None, Some(eur(1_000))));
    assert_eq!(decided(400), next(EscrowStatus::Partly, Some(eur(400)), Some(eur(600))));
    for wrong in [-1, 1_001] {
        assert!(matches!(decided(wrong), Err(EscrowRefusal::Amount { .. })), "{wrong}");
    }
}

#[test]
fn a_refund_is_of_what_is_left_and_in_the_same_currency() {
    let some = decide(&held(), Wish::Refund(eur(400)), noon()).expect("given back");
    assert_eq!(some, Next { status: EscrowStatus::Held, refund: Some(eur(400)), release: None });
    let less = Escrow { refunded: eur(400), ..held() };
    let all = decide(&less, Wish::Refund(eur(600)), noon()).expect("given back");
    assert_eq!(all.status, EscrowStatus::Refunded);
    assert_eq!(decide(&less, Wish::Accept, noon()).map(|next| next.status), Ok(EscrowStatus::Partly));
    for wrong in [eur(601), eur(0), eur(-1), Money::from_minor(5, Currency::JPY)] {
        let most = eur(600);
        assert_eq!(decide(&less, Wish::Refund(wrong), noon()), Err(EscrowRefusal::Amount { least: eur(1), most }));
    }
}

#[test]
fn what_is_decided_stays() {
    for (status, refusal) in [
        (EscrowStatus::Released, EscrowRefusal::Released),
        (EscrowStatus::Refunded, EscrowRefusal::Refunded),
        (EscrowStatus::Partly, EscrowRefusal::Partly),
    ] {
        let ended = Escrow { status, ..held() };
        for wish in [Wish::Accept, Wish::Lapse, Wish::Freeze, Wish::Thaw, Wish::Refund(eur(1)), Wish::Decide(eur(1))] {
            assert_eq!(decide(&ended, wish, noon()), Err(refusal), "{wish:?}");
        }
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        Just(Wish::Accept),
        Just(Wish::Lapse),
        Just(Wish::Freeze),
        Just(Wish::Thaw),
        (-5_i64..30).prop_map(|minor| Wish::Refund(eur(minor))),
        (-5_i64..30).prop_map(|minor| Wish::Decide(eur(minor))),
    ]
}

proptest! {
    /// Whatever is asked in whatever order: money goes to one of the two, once, and what the database checks holds.
    #[test]
    fn every_cent_goes_one_way_once(amount in 1_i64..25, wishes in prop::collection::vec((wish(), -2_i64..3), 0..12)) {
        let mut escrow = Escrow { amount: eur(amount), ..held() };
        for (wish, seconds) in wishes {
            let before = escrow;
            if let Ok(next) = decide(&escrow, wish, noon() + TimeDelta::seconds(seconds)) {
                escrow.status = next.status;
                escrow.refunded = eur(escrow.refunded.minor() + next.refund.map_or(0, Money::minor));
                escrow.released = eur(escrow.released.minor() + next.release.map_or(0, Money::minor));
            }
            let (refunded, released) = (escrow.refunded.minor(), escrow.released.minor());
            prop_assert!(refunded >= before.refunded.minor() && released >= before.released.minor());
            let sound = match escrow.status {
                EscrowStatus::Held | EscrowStatus::Frozen => released == 0 && refunded < amount,
                EscrowStatus::Released => released == amount && refunded == 0,
                EscrowStatus::Refunded => refunded == amount && released == 0,
                EscrowStatus::Partly => refunded > 0 && released > 0 && refunded + released == amount,
            };
            prop_assert!(sound);
        }
    }
}
