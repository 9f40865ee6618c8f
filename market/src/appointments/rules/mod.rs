//! Who makes an appointment when, and what its pass is good for.

pub mod pass;
pub mod slots;
pub mod storage;

use chrono::{DateTime, Utc};
use shared::invalid::Invalid;
use shared::money::Money;

use self::slots::Span;
use super::model::{AHEAD, AppointmentKind, AppointmentStatus, GRACE, NOTICE, NewAppointment};
use crate::ids::SiteId;
use crate::orders::model::OrderStatus;

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppointmentRefusal {
    #[error("not possible while the order is {0:?}")]
    OrderStatus(OrderStatus),
    #[error("nothing of the order is to be collected there")]
    NothingThere,
    #[error("something of the order there is not sold for collection; the seller may propose it")]
    NotForCollection,
    #[error("nothing of the order is to be delivered from there")]
    NothingToDeliver,
    #[error("something of the order there is sold for collection alone; the seller may propose to deliver it")]
    NotForDelivery,
    #[error("not possible while the appointment is {0:?}")]
    Status(AppointmentStatus),
    #[error("it has such an appointment already")]
    Exists,
    #[error("no appointment is free then")]
    SlotTaken,
    #[error("possible until {until}")]
    TooClose { until: DateTime<Utc> },
    #[error("it is not collected anywhere")]
    NoCollection,
    #[error("there is no such pass")]
    NoPass,
    #[error("it is a pass of another site")]
    OtherSite,
    #[error("the goods were given out for it already")]
    PassUsed,
    #[error("the pass is not good any more")]
    PassExpired,
    #[error("{0} is due for storage")]
    StorageDue(Money),
    #[error("nothing is due for storage")]
    NothingDue,
}

/// When an appointment is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// In the slot of a site that begins then.
    Slot { site: SiteId, starts_at: DateTime<Utc> },
    /// When the buyer would like to get a delivery, which takes no slot.
    Wish(Span),
}

/// Reads what somebody wants, or says which field is wrong.
pub fn wanted(new: &NewAppointment, now: DateTime<Utc>) -> Result<Wanted, Invalid> {
    ahead(new.starts_at, now)?;
    match (new.kind, new.site, new.ends_at) {
        (_, Some(site), None) => Ok(Wanted::Slot { site, starts_at: new.starts_at }),
        (_, Some(_), Some(_)) => Err(Invalid::new("/ends_at", "follows from the slot; leave it out")),
        (AppointmentKind::Collection, None, _) => Err(Invalid::new("/site", "say where it is collected")),
        (AppointmentKind::Delivery, None, Some(ends_at)) => {
            Ok(Wanted::Wish(Span { starts_at: new.starts_at, ends_at }))
        }
        (AppointmentKind::Delivery, None, None) => Err(Invalid::new("/ends_at", "say until when, or name a site")),
    }
}

/// Refuses times that are over or too far away.
fn ahead(starts_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Invalid> {
    if starts_at <= now {
        return Err(Invalid::new("/starts_at", "must lie ahead"));
    }
    if starts_at > now + AHEAD {
        return Err(Invalid::new("/starts_at", format!("must lie within {} days", AHEAD.num_days())));
    }
    Ok(())
}

/// Whether appointments of an order are made or changed: while some of it may still be to be given out.
pub fn judge_order(status: OrderStatus) -> Result<(), AppointmentRefusal> {
    match status {
        OrderStatus::Paid | OrderStatus::InFulfilment => Ok(()),
        other => Err(AppointmentRefusal::OrderStatus(other)),
    }
}

/// What of an order has not left yet and could be given out at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct There {
    /// Whether there is anything.
    pub any: bool,
    /// Whether all of it was offered for collection.
    pub for_collection: bool,
    /// Whether all of it was offered for anything else.
    pub for_delivery: bool,
}

/// Whether goods can be collected there, or delivered from there: the buyer asks only for what was offered for it, the seller proposes
/// anything.
pub fn judge_there(there: There, kind: AppointmentKind, by_seller: bool) -> Result<(), AppointmentRefusal> {
    let (is_offered, nothing, not_offered) = match kind {
        AppointmentKind::Collection => {
            (there.for_collection, AppointmentRefusal::NothingThere, AppointmentRefusal::NotForCollection)
        }
        AppointmentKind::Delivery => {
            (there.for_delivery, AppointmentRefusal::NothingToDeliver, AppointmentRefusal::NotForDelivery)
        }
    };
    if !there.any {
        return Err(nothing);
    }
    if by_seller || is_offered { Ok(()) } else { Err(not_offered) }
}

/// An appointment, as far as what may be done with it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    pub kind: AppointmentKind,
    pub status: AppointmentStatus,
    pub span: Span,
}

impl Made {
    /// Until when goods are given out for it.
    #[must_use]
    pub fn good_until(&self) -> DateTime<Utc> {
        self.span.ends_at + GRACE
    }
}

/// Whether the buyer can agree to what the seller has proposed.
pub fn judge_accept(made: &Made, now: DateTime<Utc>) -> Result<(), AppointmentRefusal> {
    match made.status {
        AppointmentStatus::Proposed if now < made.span.starts_at => Ok(()),
        AppointmentStatus::Proposed => Err(AppointmentRefusal::TooClose { until: made.span.starts_at }),
        other => Err(AppointmentRefusal::Status(other)),
    }
}

/// Whether what is booked can be moved.
pub fn judge_move(made: &Made, now: DateTime<Utc>) -> Result<(), AppointmentRefusal> {
    match made.status {
        AppointmentStatus::Booked => in_time(made, now),
        other => Err(AppointmentRefusal::Status(other)),
    }
}

/// Whether it can be cancelled: a proposal at any time, what is booked while the other side can still make other plans.
pub fn judge_cancel(made: &Made, now: DateTime<Utc>) -> Result<(), AppointmentRefusal> {
    match made.status {
        AppointmentStatus::Proposed => Ok(()),
        AppointmentStatus::Booked => in_time(made, now),
        other => Err(AppointmentRefusal::Status(other)),
    }
}

fn in_time(made: &Made, now: DateTime<Utc>) -> Result<(), AppointmentRefusal> {
    let until = made.span.starts_at - NOTICE;
    if now <= until { Ok(()) } else { Err(AppointmentRefusal::TooClose { until }) }
}

/// Whether a pass is issued for it.
pub fn judge_issue(made: &Made, now: DateTime<Utc>) -> Result<(), AppointmentRefusal> {
    match (made.kind, made.status) {
        (AppointmentKind::Delivery, _) => Err(AppointmentRefusal::NoCollection),
        (_, AppointmentStatus::Booked) if now <= made.good_until() => Ok(()),
        (_, AppointmentStatus::Booked) => Err(AppointmentRefusal::PassExpired),
        (_, other) => Err(AppointmentRefusal::Status(other)),
    }
}

/// Whether goods are given out for its pass at this site.
pub fn judge_redeem(made: &Made, is_here: bool, now: DateTime<Utc>) -> Result<(), AppointmentRefusal> {
    match made.status {
        _ if !is_here => Err(AppointmentRefusal::OtherSite),
        AppointmentStatus::Booked if now <= made.good_until() => Ok(()),
        AppointmentStatus::Redeemed => Err(AppointmentRefusal::PassUsed),
        _ => Err(AppointmentRefusal::PassExpired),
    }
}

#[cfg(test)]
mod tests;
