//! SQL for reviews, their reports and the ratings that follow from them.
//!
//! A review is guarded by its order's lock: whoever writes, shows, answers or hides one has taken that lock first. Ratings are kept by a
//! trigger, so that nothing here counts.
//!
//! How to get this wrong: to decide whether a review is shown by what was read before the order's lock, since the second side writes
//! and the seven days end at the same moment.

mod answer;
mod ask;
mod read;
mod reports;
mod show;
#[cfg(test)]
mod tests;
mod write;

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};
use sqlx::PgConnection;

use super::rules::{ReviewRefusal, Written};
use crate::ids::OrderId;
use crate::orders::model::Side;

pub use answer::answer;
pub use ask::{ToAsk, note_asked, to_ask};
pub use read::{find, of_order, of_org, profile};
pub use reports::{decide, report, reports};
pub use show::{Shown, overdue, show};
pub use write::{Change, write};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    Refused(#[from] ReviewRefusal),
    #[error("the organisation has reported the review before")]
    Reported,
    #[error("somebody has decided about the report before")]
    Decided,
    #[error("somebody else decides about what concerns your own organisation")]
    OwnOrg,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("reviews_stars_range", "/stars", "must be from 1 to 5"),
    ("reviews_text_length", "/text", "must have 1 to 2000 characters"),
    ("reviews_answer_length", "/text", "must have 1 to 2000 characters"),
    ("review_reports_note_length", "/note", "must have 1 to 1000 characters"),
];

impl From<sqlx::Error> for ReviewError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("review_reports_once") {
            return Self::Reported;
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

/// An order whose row this transaction has locked, with what was written about it.
struct Guarded {
    buyer: OrgId,
    seller: OrgId,
    completed_at: Option<DateTime<Utc>>,
    written: Vec<(Side, Written)>,
    /// The clock after the lock.
    now: DateTime<Utc>,
}

impl Guarded {
    /// On which side an organisation is.
    fn side_of(&self, org: OrgId) -> Option<Side> {
        if org == self.buyer {
            Some(Side::Buyer)
        } else if org == self.seller {
            Some(Side::Seller)
        } else {
            None
        }
    }

    fn of_side(&self, side: Side) -> Option<Written> {
        self.written.iter().find(|(by, _)| *by == side).map(|(_, written)| *written)
    }
}

/// Locks an order. `None`: there is none.
async fn guard(conn: &mut PgConnection, order: OrderId) -> Result<Option<Guarded>, sqlx::Error> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE", order.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT buyer_org_id AS "buyer: OrgId", seller_org_id AS "seller: OrgId",
                  (SELECT min(at) FROM order_events WHERE order_id = $1 AND status = 'completed') AS completed_at,
                  clock_timestamp() AS "now!"
           FROM orders
           WHERE id = $1"#,
        order.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let written = sqlx::query!(
        r#"SELECT side AS "side: Side", due_at, shown_at FROM reviews WHERE order_id = $1 ORDER BY side"#,
        order.0,
    )
    .fetch_all(conn)
    .await?;
    let written =
        written.into_iter().map(|it| (it.side, Written { due_at: it.due_at, shown_at: it.shown_at })).collect();
    Ok(Some(Guarded { buyer: row.buyer, seller: row.seller, completed_at: row.completed_at, written, now: row.now }))
}
