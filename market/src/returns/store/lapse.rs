//! What time decides when nobody else has.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::act::{approved, end};
use super::receive::{Received, receive_late};
use super::{ReturnError, guarded, order_of};
use crate::escrow::store::lock;
use crate::ids::ReturnId;
use crate::returns::model::{ReturnStatus, SENDING_TERM};
use crate::returns::rules::{Timely, judge_time};

/// What an attempt to let time decide finds.
#[derive(Clone, Debug)]
pub enum Lapse {
    /// The seller has not answered; the buyer has time to send it until then. Both by the database's clock.
    Approved { until: DateTime<Utc>, now: DateTime<Utc> },
    /// The buyer has not sent it.
    Lapsed,
    /// The seller has not said whether it has arrived.
    Received(Received),
    /// Both by the database's clock.
    NotYet { until: DateTime<Utc>, now: DateTime<Utc> },
    /// It has ended before, or a dispute decides first.
    Nothing,
}

/// Lets time decide about a return, if it is due. Needs a transaction.
pub async fn lapse(conn: &mut PgConnection, id: ReturnId) -> Result<Lapse, ReturnError> {
    let Some(order) = order_of(conn, id).await? else { return Ok(Lapse::Nothing) };
    let Some(locked) = lock(conn, order).await? else { return Ok(Lapse::Nothing) };
    let guarded = guarded(conn, locked, id).await?;
    let now = guarded.order.now;
    match judge_time(guarded.status, guarded.due_at, guarded.order.status, now) {
        Timely::Approve => {
            approved(conn, id, None, now, None).await?;
            Ok(Lapse::Approved { until: now + SENDING_TERM, now })
        }
        Timely::Lapse => {
            end(conn, id, ReturnStatus::Lapsed, now).await?;
            Ok(Lapse::Lapsed)
        }
        Timely::Receive => Ok(Lapse::Received(receive_late(conn, &guarded.order, id).await?)),
        Timely::NotYet { until } => Ok(Lapse::NotYet { until, now }),
        Timely::Nothing => Ok(Lapse::Nothing),
    }
}

/// Up to `limit` returns that time is to decide about; none that wait for a dispute.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<ReturnId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT r.id AS "id: ReturnId"
           FROM returns AS r
           JOIN orders AS o ON o.id = r.order_id
           WHERE r.due_at <= clock_timestamp()
             AND o.status <> 'disputed'
           ORDER BY r.due_at, r.id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
