//! What a shipment's events add up to.

pub(super) mod validate;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::cargo::model::{EventType, Position, ShipmentStatus, StoredEvent};

/// What is known about a shipment from its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Standing {
    /// `None` until an actual event names one.
    pub status: Option<ShipmentStatus>,
    /// When the event that decided the status occurred.
    pub since: Option<DateTime<Utc>>,
    /// Where it was last seen.
    pub position: Option<Position>,
    /// When it was last seen there.
    pub seen_at: Option<DateTime<Utc>>,
}

/// Ranks all events of one shipment of one organisation and returns where it stands.
///
/// Events rank by when they occurred, then by their source's sequence, then by when they were
/// recorded; the order in which they arrive does not matter, so a late event never turns the status
/// back:
/// - planned and estimated events, and events that another one corrects, decide nothing;
/// - once delivered, always delivered, whatever occurred before or is reported to have occurred after;
/// - otherwise the first of the other terminal states (returned, cancelled) holds;
/// - otherwise the latest event that names a status decides.
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

    let stated = || counting.iter().filter_map(|stored| Some((stored.event.status?, stored.event.occurred_at)));
    let decided = stated()
        .find(|(status, _)| *status == ShipmentStatus::Delivered)
        .or_else(|| stated().find(|(status, _)| status.is_terminal()))
        .or_else(|| stated().next_back());
    let seen = counting.iter().rev().find_map(|stored| Some((stored.event.position?, stored.event.occurred_at)));
    Standing {
        status: decided.map(|(status, _)| status),
        since: decided.map(|(_, at)| at),
        position: seen.map(|(position, _)| position),
        seen_at: seen.map(|(_, at)| at),
    }
}

#[cfg(test)]
mod tests;
