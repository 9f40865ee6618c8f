use chrono::TimeDelta;

use super::*;
use crate::cargo::CargoEvent;

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

fn status(events: &[StoredEvent]) -> Option<ShipmentStatus> {
    standing(events).status
}

#[test]
fn a_late_event_never_undoes_delivered() {
    use ShipmentStatus::{Cancelled, Delivered, InTransit, Returned};
    let mut events = vec![event(1, 10, Delivered)];
    for (id, minute, late) in [(2, 5, InTransit), (3, 11, InTransit), (4, 1, Cancelled), (5, 12, Returned)] {
        events.push(event(id, minute, late));
        assert_eq!(status(&events), Some(Delivered), "{late:?} at minute {minute}");
    }
    assert_eq!(standing(&events).since, Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(10)));
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
    assert_eq!(standing(&events).status, Some(ShipmentStatus::Exception), "sources cannot correct each other");
}
