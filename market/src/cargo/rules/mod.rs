//! What a shipment's events say together.

pub(super) mod validate;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::cargo::model::{EventType, Position, ShipmentStatus, StoredEvent};

/// What is known of a shipment from its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Standing {
    /// `None` until an actual event tells.
    pub status: Option<ShipmentStatus>,
    /// When the event that decided the status occurred.
    pub since: Option<DateTime<Utc>>,
    /// Where it was last seen.
    pub position: Option<Position>,
    /// When it was last seen there.
    pub seen_at: Option<DateTime<Utc>>,
}

/// Ranks all events of one shipment of one organisation and tells how it stands.
///
/// Events count by when they occurred, then by their source's sequence, then by their recording; the order in which they
/// come in does not matter, so a late event never turns the status back:
/// - planned and estimated events, and events that another one corrects, decide nothing;
/// - once delivered, always delivered, whatever occurred before or is reported to have occurred after;
/// - else the first of the other terminal states (returned, cancelled) stays;
/// - else the latest event that tells a status decides.
///
/// [`super::store::standing`] is the same rule in SQL.
#[must_use]
pub fn standing(events: &[StoredEvent]) -> Standing {
    let corrected: HashSet<(&str, &str)> = events
        .iter()
        .filter_map(|stored| Some((stored.event.source.as_str(), stored.event.corrects.as_deref()?)))
        .collect();
    let mut counting: Vec<&StoredEvent> = events
        .iter()
        .filter(|stored| stored.event.kind == EventType::Actual)
        .filter(|stored| !corrected.contains(&(stored.event.source.as_str(), stored.event.source_event_id.as_str())))
        .collect();
    counting.sort_by_key(|stored| (stored.event.occurred_at, stored.event.sequence, stored.id));

    let told = || counting.iter().filter_map(|stored| Some((stored.event.status?, stored.event.occurred_at)));
    let decided = told()
        .find(|(status, _)| *status == ShipmentStatus::Delivered)
        .or_else(|| told().find(|(status, _)| status.is_terminal()))
        .or_else(|| told().next_back());
    let seen = counting.iter().rev().find_map(|stored| Some((stored.event.position?, stored.event.occurred_at)));
    Standing {
        status: decided.map(|(status, _)| status),
        since: decided.map(|(_, at)| at),
        position: seen.map(|(position, _)| position),
        seen_at: seen.map(|(_, at)| at),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::cargo::CargoEvent;

    /// An actual event of minute `minute`, recorded in the order of `id`.
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
}
