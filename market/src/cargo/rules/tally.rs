//! The sum of a shipment's counting events. It does not depend on the order in which they are added, nor on how often.

use chrono::{DateTime, SubsecRound, Utc};

use super::Standing;
use crate::cargo::model::{CargoEvent, Position, ShipmentStatus};

/// The digits of a second that the database keeps.
const MICROSECONDS: u16 = 6;

/// A status, and what ranks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cargo) struct Stated {
    pub(in crate::cargo) at: DateTime<Utc>,
    pub(in crate::cargo) sequence: i64,
    pub(in crate::cargo) status: ShipmentStatus,
}

/// A position, and what ranks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cargo) struct Seen {
    pub(in crate::cargo) at: DateTime<Utc>,
    pub(in crate::cargo) sequence: i64,
    pub(in crate::cargo) position: Position,
}

impl Seen {
    fn is_after(&self, other: &Self) -> bool {
        let (mine, others) = (self.position, other.position);
        let order = (self.at, self.sequence).cmp(&(other.at, other.sequence));
        // Of two places at one moment any may be shown, as long as it is always the same.
        let order = order.then(mine.latitude.total_cmp(&others.latitude));
        order.then(mine.longitude.total_cmp(&others.longitude)).is_gt()
    }
}

/// Everything that [`Standing`] depends on; each field is the least or the greatest of what was added.
/// [`crate::cargo::store`] adds in the same way in SQL.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::cargo) struct Tally {
    /// The latest status other than a cancellation.
    pub(in crate::cargo) latest: Option<Stated>,
    pub(in crate::cargo) delivered_at: Option<DateTime<Utc>>,
    pub(in crate::cargo) returned_at: Option<DateTime<Utc>>,
    pub(in crate::cargo) cancelled_at: Option<DateTime<Utc>>,
    /// The first status that follows the pick-up.
    pub(in crate::cargo) moved_at: Option<DateTime<Utc>>,
    pub(in crate::cargo) seen: Option<Seen>,
}

impl Tally {
    pub(super) fn add(&mut self, event: &CargoEvent) {
        // As the log keeps it: two events of one microsecond are of one moment.
        let at = event.occurred_at.trunc_subsecs(MICROSECONDS);
        if let Some(status) = event.status {
            let first = |kept: &mut Option<DateTime<Utc>>| *kept = Some(kept.map_or(at, |kept| kept.min(at)));
            match status {
                ShipmentStatus::Delivered => first(&mut self.delivered_at),
                ShipmentStatus::Returned => first(&mut self.returned_at),
                ShipmentStatus::Cancelled => first(&mut self.cancelled_at),
                _ => {}
            }
            if status.is_after_pick_up() {
                first(&mut self.moved_at);
            }
            if status != ShipmentStatus::Cancelled {
                self.latest = self.latest.max(Some(Stated { at, sequence: event.sequence, status }));
            }
        }
        if let Some(Position { latitude, longitude }) = event.position {
            // Turns −0 into 0, which SQL does not tell apart.
            let position = Position { latitude: latitude + 0.0, longitude: longitude + 0.0 };
            let seen = Seen { at, sequence: event.sequence, position };
            if self.seen.is_none_or(|kept| seen.is_after(&kept)) {
                self.seen = Some(seen);
            }
        }
    }

    /// Adds all that was added to another one.
    pub(in crate::cargo) fn merge(&mut self, other: &Self) {
        let first = |one: Option<DateTime<Utc>>, other| one.into_iter().chain(other).min();
        self.latest = self.latest.max(other.latest);
        self.delivered_at = first(self.delivered_at, other.delivered_at);
        self.returned_at = first(self.returned_at, other.returned_at);
        self.cancelled_at = first(self.cancelled_at, other.cancelled_at);
        self.moved_at = first(self.moved_at, other.moved_at);
        if let Some(seen) = other.seen.filter(|seen| self.seen.is_none_or(|kept| seen.is_after(&kept))) {
            self.seen = Some(seen);
        }
    }

    pub(in crate::cargo) fn standing(&self) -> Standing {
        let in_time = |at: &DateTime<Utc>| self.moved_at.is_none_or(|moved| *at < moved);
        let decided = (self.delivered_at.map(|at| (ShipmentStatus::Delivered, at)))
            .or(self.cancelled_at.filter(in_time).map(|at| (ShipmentStatus::Cancelled, at)))
            .or(self.returned_at.map(|at| (ShipmentStatus::Returned, at)))
            .or(self.latest.map(|latest| (latest.status, latest.at)));
        Standing {
            status: decided.map(|(status, _)| status),
            since: decided.map(|(_, at)| at),
            position: self.seen.map(|seen| seen.position),
            seen_at: self.seen.map(|seen| seen.at),
        }
    }
}
