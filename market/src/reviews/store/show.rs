//! Reviews become readable.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Guarded, guard};
use crate::ids::{OrderId, ReviewId};
use crate::reviews::rules::{Showing, Written, judge_showing};

/// What an attempt to show the reviews of an order finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// These are shown from now on.
    Shown(Vec<ReviewId>),
    /// Both by the database's clock.
    NotYet { until: DateTime<Utc>, now: DateTime<Utc> },
    /// There is none that is not shown.
    Nothing,
}

/// Shows what was written about an order, if it is time. Needs a transaction.
pub async fn show(conn: &mut PgConnection, order: OrderId) -> Result<Shown, sqlx::Error> {
    let Some(guarded) = guard(conn, order).await? else { return Ok(Shown::Nothing) };
    match judge_showing(&written(&guarded), guarded.now) {
        Showing::Now => Ok(Shown::Shown(show_guarded(conn, order, &guarded).await?)),
        Showing::NotYet { until } => Ok(Shown::NotYet { until, now: guarded.now }),
        Showing::Nothing => Ok(Shown::Nothing),
    }
}

fn written(guarded: &Guarded) -> Vec<Written> {
    guarded.written.iter().map(|(_, written)| *written).collect()
}

/// [`show`] of an order that is locked: those that are shown from now on.
pub(super) async fn show_guarded(
    conn: &mut PgConnection,
    order: OrderId,
    guarded: &Guarded,
) -> Result<Vec<ReviewId>, sqlx::Error> {
    if judge_showing(&written(guarded), guarded.now) != Showing::Now {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        r#"UPDATE reviews
           SET shown_at = $2
           WHERE order_id = $1
             AND shown_at IS NULL
           RETURNING id AS "id: ReviewId""#,
        order.0,
        guarded.now,
    )
    .fetch_all(conn)
    .await
}

/// Up to `limit` orders with reviews that are due.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT order_id AS "order: OrderId"
           FROM reviews
           WHERE shown_at IS NULL
             AND due_at <= clock_timestamp()
           ORDER BY due_at, order_id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
