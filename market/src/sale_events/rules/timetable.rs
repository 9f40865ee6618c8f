//! When lots end, and what may be done with an event when.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::invalid::Invalid;

use crate::sale_events::model::{RegistrationStatus, SaleEventStatus};

/// The last year in which the first lot may end: that of the last one has four digits as well, with 500 lots a day after each other.
const LAST_YEAR: i32 = 9997;

/// What an event's row says; that it runs, or has ended, is no state of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Stored {
    Draft,
    Published,
    Cancelled,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error("only a draft can be changed")]
    NotDraft,
    #[error("the sale event is cancelled")]
    Cancelled,
    #[error("a sale event needs a lot")]
    NoLots,
    #[error("the sale event is not published")]
    NotPublished,
    #[error("all lots of the sale event are decided")]
    Ended,
    #[error("a lot has bids or is decided, so that the sale event is not cancelled")]
    HasBids,
    #[error("the organisation sells in this sale event")]
    OwnEvent,
    #[error("the registration was refused")]
    Refused,
    #[error("a limit is raised, never lowered")]
    Lowered,
}

/// Where the event is, as everybody sees it.
#[must_use]
pub fn shown(stored: Stored, starts_at: DateTime<Utc>, lots_open: i64, now: DateTime<Utc>) -> SaleEventStatus {
    match stored {
        Stored::Draft => SaleEventStatus::Draft,
        Stored::Cancelled => SaleEventStatus::Cancelled,
        Stored::Published if lots_open == 0 => SaleEventStatus::Ended,
        Stored::Published if now < starts_at => SaleEventStatus::Published,
        Stored::Published => SaleEventStatus::Running,
    }
}

/// Judges a change of the event, or of its lots.
pub fn decide_draft(stored: Stored) -> Result<(), NotDone> {
    match stored {
        Stored::Draft => Ok(()),
        Stored::Published => Err(NotDone::NotDraft),
        Stored::Cancelled => Err(NotDone::Cancelled),
    }
}

/// Judges when the first lot of an event ends.
pub fn judge_first_end(first_ends_at: DateTime<Utc>) -> Result<(), Invalid> {
    if first_ends_at.year() <= LAST_YEAR {
        return Ok(());
    }
    Err(Invalid::new("/first_ends_at", format!("must not be after the year {LAST_YEAR}")))
}

/// Judges a request to bid in the event: `org` asks, `seller` sells.
pub fn decide_registration(stored: Stored, lots_open: i64, seller: OrgId, org: OrgId) -> Result<(), NotDone> {
    if org == seller {
        return Err(NotDone::OwnEvent);
    }
    match stored {
        Stored::Published if lots_open == 0 => Err(NotDone::Ended),
        Stored::Published => Ok(()),
        Stored::Draft => Err(NotDone::NotPublished),
        Stored::Cancelled => Err(NotDone::Cancelled),
    }
}

/// Judges the seller's decision about a registration: an approved bidder's limit can be raised, even when all lots are decided, since one
/// may come back as a second chance. Lowering it, or refusing it as late as that, would say how much of it is reserved.
pub fn decide_bidder(
    event: Stored,
    status: RegistrationStatus,
    before: Option<i64>,
    limit: Option<i64>,
) -> Result<RegistrationStatus, NotDone> {
    if event == Stored::Cancelled {
        return Err(NotDone::Cancelled);
    }
    match (status, limit) {
        (RegistrationStatus::Refused, _) => Err(NotDone::Refused),
        (RegistrationStatus::Requested, None) => Ok(RegistrationStatus::Refused),
        (RegistrationStatus::Approved, None) => Err(NotDone::Lowered),
        (RegistrationStatus::Approved, limit) if limit < before => Err(NotDone::Lowered),
        (_, Some(_)) => Ok(RegistrationStatus::Approved),
    }
}

/// When the lots of an event end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    pub first_ends_at: DateTime<Utc>,
    pub step: TimeDelta,
    pub hard_close: TimeDelta,
}

/// A lot, and when it ends as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub lot_no: i32,
    pub group: Option<i32>,
    pub ends_at: DateTime<Utc>,
    /// The same for all lots of a group.
    pub hard_ends_at: DateTime<Utc>,
}

impl Timetable {
    /// Lot `k` ends `k - 1` steps after lot 1.
    #[must_use]
    pub fn ends_at(&self, lot_no: i32) -> DateTime<Utc> {
        self.first_ends_at.checked_add_signed(self.step * (lot_no - 1)).unwrap_or(self.first_ends_at)
    }

    /// The ends of lots, numbers and groups, in their order.
    #[must_use]
    pub fn plan(&self, lots: &[(i32, Option<i32>)]) -> Vec<Planned> {
        let one = |&(lot_no, group): &(i32, Option<i32>)| {
            let of_group = |&&(other, of): &&(i32, Option<i32>)| other == lot_no || (group.is_some() && of == group);
            let last = lots.iter().filter(of_group).map(|(other, _)| *other).max().unwrap_or(lot_no);
            let last_ends_at = self.ends_at(last);
            Planned {
                lot_no,
                group,
                ends_at: self.ends_at(lot_no),
                hard_ends_at: last_ends_at.checked_add_signed(self.hard_close).unwrap_or(last_ends_at),
            }
        };
        lots.iter().map(one).collect()
    }
}
