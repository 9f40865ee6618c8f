//! SQL for sale events.
//!
//! Publication and cancellation take place under the lock of the event's row. What its lots hold of the limits of bidders is in [`hold`].
//!
//! How to get this wrong: to reserve of a limit anywhere but in the transaction of the bid; to write `reserved_minor`, which the lots'
//! trigger keeps; to wait for an auction while holding a bidder.

mod draft;
pub(crate) mod hold;
mod progress;
mod publish;
mod read;
mod register;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use shared::money::Currency;
use sqlx::PgConnection;

use super::rules::{NotDone, Stored, Timetable};
use crate::auctions::store::AuctionError;
use crate::ids::SaleEventId;

pub use draft::{add_lot, change, create, remove_lot};
pub use progress::progress;
pub use publish::{cancel, publish};
pub use read::{Owned, get, lots, page};
pub use register::{Decided, bidders, decide, own, register, registrations};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum SaleEventError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// One of the lots cannot be auctioned, or not be cancelled.
    #[error("lot {lot_no}: {error}")]
    Lot { lot_no: i32, error: Box<AuctionError> },
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("sale_events_title_length", "/title", "must have 1 to 200 characters"),
    ("sale_events_description_length", "/description", "must have at most 5000 characters"),
    ("sale_events_step_range", "/step_ms", "must lie between 0 and 86400000"),
    ("sale_events_soft_close_range", "/soft_close_seconds", "must lie between 0 and 86400"),
    ("sale_events_hard_close_range", "/hard_close_seconds", "must lie between 0 and 86400"),
    ("sale_events_default_limit_range", "/default_limit", "must be above zero and not absurd"),
    ("sale_events_in_order", "/first_ends_at", "must lie after the start"),
    ("sale_events_per_day", "", "the organisation has made 100 sale events within a day"),
    ("sale_event_lots_no_range", "/lot_no", "must lie between 1 and 500"),
    ("sale_event_lots_group_range", "/group", "must lie between 1 and 500"),
    ("sale_event_lots_opening_range", "/opening", "must be above zero and not absurd"),
    ("sale_event_lots_reserve_above_opening", "/reserve", "must be above the opening price and not absurd"),
    (
        "sale_event_lots_buy_now_above",
        "/buy_now",
        "must be above the opening price, not below the reserve, and not absurd",
    ),
    ("sale_event_lots_numbered", "/lot_no", "another lot has this number"),
    ("sale_event_lots_once", "/listing_id", "the listing is a lot of the sale event"),
    ("sale_event_lots_of_listing", "/listing_id", "must be a listing of the seller in the sale event's currency"),
    ("sale_event_bidders_limit_range", "/limit", "must be above zero and not absurd"),
];

impl From<sqlx::Error> for SaleEventError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

/// An event whose row this transaction has locked.
struct Locked {
    seller: OrgId,
    currency: Currency,
    status: Stored,
    starts_at: DateTime<Utc>,
    first_ends_at: DateTime<Utc>,
    step_ms: i32,
    soft_close_seconds: i32,
    hard_close_seconds: i32,
    default_limit_minor: Option<i64>,
}

impl Locked {
    fn timetable(&self) -> Timetable {
        Timetable {
            first_ends_at: self.first_ends_at,
            step: TimeDelta::milliseconds(self.step_ms.into()),
            hard_close: TimeDelta::seconds(self.hard_close_seconds.into()),
        }
    }
}

async fn lock(conn: &mut PgConnection, event: SaleEventId) -> Result<Locked, SaleEventError> {
    let locked = sqlx::query_as!(
        Locked,
        r#"SELECT seller_org_id AS "seller: OrgId", currency AS "currency: Currency", status AS "status: Stored", starts_at,
                  first_ends_at, step_ms, soft_close_seconds, hard_close_seconds, default_limit_minor
           FROM sale_events
           WHERE id = $1
           FOR NO KEY UPDATE"#,
        event.0,
    );
    locked.fetch_optional(conn).await?.ok_or(SaleEventError::NotFound("sale event"))
}

/// Locks an event of `seller`, to compare what a change was made from.
pub async fn lock_for(conn: &mut PgConnection, seller: OrgId, event: SaleEventId) -> Result<(), SaleEventError> {
    lock_own(conn, seller, event).await.map(drop)
}

/// [`lock`], for its seller; to others it does not exist.
async fn lock_own(conn: &mut PgConnection, seller: OrgId, event: SaleEventId) -> Result<Locked, SaleEventError> {
    let locked = lock(conn, event).await?;
    if locked.seller == seller { Ok(locked) } else { Err(SaleEventError::NotFound("sale event")) }
}
