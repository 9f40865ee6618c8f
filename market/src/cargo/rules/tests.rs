use proptest::prelude::*;

use super::*;
use crate::cargo::testing::any_events;

/// An actual event at minute `minute`, recorded in the order of `id`.
fn event(id: i64, minute: i64, status: ShipmentStatus) -> StoredEvent {
    let occurred_at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
    StoredEvent {
        id,
        recorded_at: DateTime::UNIX_EPOCH,
        event: CargoEvent {
            source: "carrier".to_owned(),
            source_event_id: id.to_string(),
            sequence: 0,
            shipment: "S1".to_owned(),
            kind: EventType::Actual,
            status: Some(status),
            occurred_at,
            position: None,
            corrects: None,
            payload: None,
        },
    }
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(1)
}

fn status(events: &[StoredEvent]) -> Option<ShipmentStatus> {
    standing(events, now()).status
}

#[test]
fn a_late_event_never_undoes_delivered() {
    use ShipmentStatus::{Cancelled, Delivered, InTransit, Returned};
    let mut events = vec![event(1, 10, Delivered)];
    for (id, minute, late) in [(2, 5, InTransit), (3, 11, InTransit), (4, 1, Cancelled), (5, 12, Returned)] {
        events.push(event(id, minute, late));
        assert_eq!(status(&events), Some(Delivered), "{late:?} at minute {minute}");
    }
    assert_eq!(standing(&events, now()).since, Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(10)));
}

#[test]
fn the_latest_occurrence_decides_not_the_latest_arrival() {
    use ShipmentStatus::{InTransit, OutForDelivery, PickedUp};
    let events = [event(1, 30, OutForDelivery), event(2, 10, PickedUp), event(3, 20, InTransit)];
    assert_eq!(status(&events), Some(OutForDelivery));
    assert_eq!(status(&events[1..]), Some(InTransit));
    assert_eq!(status(&[]), None);
}

#[test]
fn the_sources_sequence_decides_within_a_moment() {
    let mut first = event(1, 10, ShipmentStatus::Exception);
    first.event.sequence = 8;
    let mut second = event(2, 10, ShipmentStatus::InTransit);
    second.event.sequence = 7;
    assert_eq!(status(&[first, second]), Some(ShipmentStatus::Exception));
}

#[test]
fn plans_and_estimates_decide_nothing() {
    let mut estimate = event(2, 60, ShipmentStatus::Delivered);
    estimate.event.kind = EventType::Estimated;
    assert_eq!(status(&[event(1, 1, ShipmentStatus::InTransit), estimate]), Some(ShipmentStatus::InTransit));
}

#[test]
fn a_correction_takes_the_place_of_what_it_corrects() {
    let wrong = event(1, 10, ShipmentStatus::Delivered);
    let mut right = event(2, 10, ShipmentStatus::AttemptFailed);
    right.event.corrects = Some("1".to_owned());
    let mut of_another_source = event(3, 11, ShipmentStatus::Exception);
    of_another_source.event.source = "other".to_owned();
    of_another_source.event.corrects = Some("2".to_owned());
    let events = [wrong, right, of_another_source];
    assert_eq!(status(&events[..2]), Some(ShipmentStatus::AttemptFailed));
    assert_eq!(standing(&events, now()).status, Some(ShipmentStatus::Exception), "sources cannot correct each other");
}

/// Events 1 to `n`, each of which corrects the one before it.
fn chain(statuses: &[ShipmentStatus]) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = (1..).zip(statuses).map(|(id, status)| event(id, 10 + id, *status)).collect();
    for (place, event) in events.iter_mut().enumerate().skip(1) {
        event.event.corrects = Some(place.to_string());
    }
    events
}

#[test]
fn a_correction_of_a_correction_makes_the_first_event_count_again() {
    use ShipmentStatus::{Delivered, Exception, InTransit};
    let events = chain(&[Delivered, InTransit, Exception]);
    assert_eq!(status(&events[..2]), Some(InTransit));
    assert_eq!(status(&events), Some(Delivered), "the third takes the second back, and with it what it took back");
    assert_eq!(status(&[&events[1..], &events[..1]].concat()), Some(Delivered), "in whatever order they come");
    let four = chain(&[Delivered, InTransit, Exception, InTransit]);
    assert_eq!(status(&four), Some(InTransit));
}

#[test]
fn one_correction_that_holds_is_enough() {
    use ShipmentStatus::{Delivered, Exception, InTransit};
    let mut events = chain(&[Delivered, InTransit, Exception]);
    let mut another = event(4, 9, ShipmentStatus::Pending);
    another.event.corrects = Some("1".to_owned());
    events.push(another);
    assert_eq!(status(&events), Some(Exception));
}

#[test]
fn events_that_correct_each_other_in_a_circle_do_not_count() {
    use ShipmentStatus::{Delivered, Exception, InTransit, PickedUp};
    let mut events = chain(&[Delivered, Exception]);
    events[0].event.corrects = Some("2".to_owned());
    events.push(event(3, 5, PickedUp));
    assert_eq!(status(&events), Some(PickedUp));
    let mut outside = event(4, 6, InTransit);
    outside.event.corrects = Some("2".to_owned());
    events.push(outside);
    assert_eq!(status(&events), Some(Delivered), "whoever takes one of them back breaks the circle");
}

#[test]
fn a_cancellation_holds_only_before_the_pick_up() {
    use ShipmentStatus::{Cancelled, Exception, InTransit, Pending, PickedUp};
    let mut events = vec![event(1, 10, Pending), event(2, 20, Cancelled), event(3, 30, InTransit)];
    assert_eq!(status(&events), Some(Cancelled));
    events.push(event(4, 15, Exception));
    assert_eq!(status(&events), Some(Cancelled));
    events.push(event(5, 20, PickedUp));
    assert_eq!(status(&events), Some(InTransit));
}

#[test]
fn of_one_moment_the_status_further_on_holds() {
    use ShipmentStatus::{InTransit, OutForDelivery};
    let events = [event(1, 10, OutForDelivery), event(2, 10, InTransit)];
    assert_eq!(status(&events), Some(OutForDelivery));
    assert_eq!(status(&[events[1].clone(), events[0].clone()]), Some(OutForDelivery));
}

#[test]
fn an_event_more_than_five_minutes_ahead_waits() {
    use ShipmentStatus::{Delivered, InTransit};
    let mut ahead = event(2, 66, Delivered);
    ahead.event.corrects = Some("1".to_owned());
    let events = [event(1, 1, InTransit), ahead];
    let at = |minute| standing(&events, DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)).status;
    assert_eq!(at(60), Some(InTransit));
    assert_eq!(at(61), Some(Delivered));
    let ranked = Ranked::of(&[&events[0].event, &events[1].event], now());
    assert_eq!(ranked.next_at, Some(now() + TimeDelta::minutes(1)), "it says when to look again");
    let mut estimate = events[1].clone();
    estimate.event.kind = EventType::Estimated;
    assert_eq!(status(&[events[0].clone(), estimate]), None, "an estimate takes back what it corrects at once");
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_end_the_same(
        (events, again) in any_events().prop_flat_map(|events| {
            let many = prop::collection::vec(prop::sample::select(events.clone()), 0..20);
            let all = many.prop_map(move |more| [events.clone(), more].concat());
            all.prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
        })
    ) {
        let ranked = |events: &[CargoEvent]| Ranked::of(&events.iter().collect::<Vec<_>>(), crate::cargo::testing::now());
        prop_assert_eq!(ranked(&events), ranked(&again));
    }

    /// Adding one by one is ranking all, as long as nothing is corrected.
    #[test]
    fn adding_is_ranking(events in any_events()) {
        let now = crate::cargo::testing::now();
        let plain: Vec<CargoEvent> = events.into_iter().map(|event| CargoEvent { corrects: None, ..event }).collect();
        let mut added = Ranked::default();
        for event in &plain {
            added.add(event, now);
        }
        prop_assert_eq!(added, Ranked::of(&plain.iter().collect::<Vec<_>>(), now));
    }
}
