//! What a shipment's events add up to.

mod corrections;
pub(super) mod tally;
pub(super) mod validate;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use self::tally::Tally;
use crate::cargo::model::{CargoEvent, EventType, Position, ShipmentStatus, StoredEvent};

/// How far ahead of the database's clock an actual event counts at once; one further ahead waits until it is no further.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

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

/// Ranks all events of one shipment of one organisation and returns where it stands at a moment.
///
/// Only what the events say decides, never the order in which they arrived, so a late event never turns the status back:
/// - planned and estimated events decide nothing, and neither do events that another one [corrects](corrections);
/// - an actual event more than five minutes ahead waits;
/// - once delivered, always delivered, whatever occurred before or is reported to have occurred after;
/// - otherwise a cancellation holds if it occurred before anything that follows the pick-up, and otherwise a return;
/// - otherwise the latest event that names a status decides, by when it occurred and then by its source's sequence. Sources
///   do not share a count, so two events can tie; then the status that is further on in a shipment's life holds. Deciding by
///   the names of the sources would be as stable and say nothing about the shipment.
#[must_use]
pub fn standing(events: &[StoredEvent], now: DateTime<Utc>) -> Standing {
    Ranked::of(&events.iter().map(|stored| &stored.event).collect::<Vec<_>>(), now).tally.standing()
}

/// What is kept of a shipment's events, so that most new ones can be added without reading the others again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ranked {
    pub(super) tally: Tally,
    /// When the first of the waiting events begins to count, and all are to be ranked anew.
    pub(super) next_at: Option<DateTime<Utc>>,
    /// Whether any event corrects another one: a new event may then be one that no longer counts.
    pub(super) corrected: bool,
}

impl Ranked {
    /// Ranks all events of a shipment.
    pub(super) fn of(events: &[&CargoEvent], now: DateTime<Utc>) -> Self {
        let mut ranked = Self { corrected: events.iter().any(|event| event.corrects.is_some()), ..Self::default() };
        for (event, counts) in events.iter().zip(corrections::uncorrected(events, now)) {
            if counts {
                ranked.count(event, now);
            }
        }
        // A waiting event may take back another one, whether or not it counts itself.
        ranked.next_at = events.iter().filter_map(|event| counts_from(event, now)).min();
        ranked
    }

    /// Adds a new event. What corrects another one, or is corrected, needs [`Self::of`] instead.
    pub(super) fn add(&mut self, event: &CargoEvent, now: DateTime<Utc>) {
        self.corrected |= event.corrects.is_some();
        if event.corrects.is_none() {
            self.count(event, now);
        }
    }

    fn count(&mut self, event: &CargoEvent, now: DateTime<Utc>) {
        if let Some(from) = counts_from(event, now) {
            self.next_at = Some(self.next_at.map_or(from, |next| next.min(from)));
        } else if event.kind == EventType::Actual {
            self.tally.add(event);
        }
    }
}

/// When an event begins to count, if that is later than `now`. Plans and estimates are about the future; they do not wait to
/// take back what they correct.
fn counts_from(event: &CargoEvent, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let waits = event.kind == EventType::Actual && event.occurred_at > now + AHEAD;
    waits.then(|| event.occurred_at - AHEAD)
}

#[cfg(test)]
mod tests;
