//! SQL for appointments.
//!
//! An appointment is guarded by its order's lock and then by its own; a site's hours, and the room at a time, by the lock of the hours,
//! which the database takes for every new or moved appointment.
//!
//! How to get this wrong: to count what is booked before the hours are locked, since two at once both see the last place free; to trust
//! what a pass was found by before its order was locked, since a new pass takes its place under that lock; to lock an order after an
//! appointment: what ends appointments, or reminds of them, locks no order.

mod book;
mod hours;
mod pass;
mod read;
mod redeem;
mod storage;
#[cfg(test)]
pub(crate) mod tests;
mod time;

use chrono::{DateTime, Utc};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};
use sqlx::PgConnection;

use super::model::{AppointmentKind, AppointmentStatus};
use super::rules::slots::Span;
use super::rules::{AppointmentRefusal, Made};
use crate::escrow::store::{EscrowError, Locked, lock_for};
use crate::ids::{AppointmentId, OrderId, SiteId};
use crate::money::store::ledger::LedgerError;
use crate::offers::model::Party;
use crate::orders::model::Side;
use crate::shipments::store::ShipmentError;
use crate::stock::store::StockError;

pub use book::{accept, book, cancel, reschedule};
pub use hours::{hours, set_hours, slots};
pub use pass::{issue, issue_this, may_issue, new_pass};
pub use read::{find, get, of_order};
pub use redeem::{Redeemed, redeem};
pub use storage::{Charge, charge, settle, storage, storage_due};
pub use time::{end_overdue, to_remind};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AppointmentError {
    #[error("there is no such appointment")]
    NotFound,
    #[error("there is no such order")]
    NoOrder,
    #[error(transparent)]
    Refused(#[from] AppointmentRefusal),
    #[error(transparent)]
    Escrow(EscrowError),
    #[error(transparent)]
    Shipment(ShipmentError),
    #[error(transparent)]
    Ledger(LedgerError),
    #[error(transparent)]
    Stock(StockError),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("site_windows_apart", "/windows", "windows of a day must not overlap"),
    ("site_delivery_windows_apart", "/deliveries/windows", "windows of a day must not overlap"),
    ("appointments_in_order", "/ends_at", "must be after `starts_at`, by 24 hours at most"),
    ("appointments_per_order", "", "an order has at most 100 appointments"),
];

impl From<sqlx::Error> for AppointmentError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("appointments_within_capacity") => return AppointmentRefusal::SlotTaken.into(),
            Some("appointments_one_live") => return AppointmentRefusal::Exists.into(),
            _ => {}
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

impl From<EscrowError> for AppointmentError {
    fn from(error: EscrowError) -> Self {
        match error {
            EscrowError::NotFound => Self::NoOrder,
            EscrowError::Sql(error) => Self::Sql(error),
            error => Self::Escrow(error),
        }
    }
}

impl From<ShipmentError> for AppointmentError {
    fn from(error: ShipmentError) -> Self {
        match error {
            ShipmentError::Sql(error) => Self::Sql(error),
            error => Self::Shipment(error),
        }
    }
}

impl From<LedgerError> for AppointmentError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Sql(error) => Self::Sql(error),
            error => Self::Ledger(error),
        }
    }
}

impl From<StockError> for AppointmentError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Database(error) => Self::Sql(error),
            error => Self::Stock(error),
        }
    }
}

/// An appointment under its order's lock and its own.
struct Guarded {
    id: AppointmentId,
    order: Locked,
    made: Made,
    site: Option<SiteId>,
    pass_hash: Option<Vec<u8>>,
    now: DateTime<Utc>,
}

/// Which order an appointment is of; that never changes, so that it needs no lock.
async fn order_of(conn: &mut PgConnection, id: AppointmentId) -> Result<Option<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT order_id AS "order: OrderId" FROM appointments WHERE id = $1"#, id.0)
        .fetch_optional(conn)
        .await
}

/// Locks an appointment for these of the order's parties: to everybody else there is none.
async fn guard(
    conn: &mut PgConnection,
    id: AppointmentId,
    by: Party,
    sides: &[Side],
) -> Result<Guarded, AppointmentError> {
    let order = order_of(conn, id).await?.ok_or(AppointmentError::NotFound)?;
    let may = |side: &Side, buyer, seller| match side {
        Side::Buyer => by.org == buyer,
        Side::Seller => by.org == seller,
    };
    let locked = lock_for(conn, order, |parties| sides.iter().any(|side| may(side, parties.buyer, parties.seller)));
    let order = locked.await.map_err(|error| match error {
        EscrowError::NotFound => AppointmentError::NotFound,
        error => error.into(),
    })?;
    guarded(conn, order, id).await
}

/// Locks an appointment whose order is locked.
async fn guarded(conn: &mut PgConnection, order: Locked, id: AppointmentId) -> Result<Guarded, AppointmentError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM appointments WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT kind AS "kind: AppointmentKind", status AS "status: AppointmentStatus", starts_at, ends_at,
                  site_id AS "site: SiteId", pass_hash, clock_timestamp() AS "now!"
           FROM appointments
           WHERE id = $1"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    let span = Span { starts_at: row.starts_at, ends_at: row.ends_at };
    let made = Made { kind: row.kind, status: row.status, span };
    Ok(Guarded { id, order, made, site: row.site, pass_hash: row.pass_hash, now: row.now })
}
