//! What the two sides do until the goods are back.

use chrono::{DateTime, Utc};
use shared::ids::UserId;
use sqlx::PgConnection;

use super::{ReturnError, guard};
use crate::ids::ReturnId;
use crate::offers::model::Party;
use crate::returns::model::{RECEIVING_TERM, ReturnStatus, SENDING_TERM};
use crate::returns::rules::Act;

/// The seller agrees. Needs a transaction.
pub async fn approve(conn: &mut PgConnection, by: Party, id: ReturnId, note: Option<&str>) -> Result<(), ReturnError> {
    let now = guard(conn, id, by, Act::Approve).await?.order.now;
    approved(conn, id, Some(by.user), now, note).await
}

/// Approves a request that is locked, by the seller or by time.
pub(super) async fn approved(
    conn: &mut PgConnection,
    id: ReturnId,
    by: Option<UserId>,
    now: DateTime<Utc>,
    note: Option<&str>,
) -> Result<(), ReturnError> {
    sqlx::query!(
        "UPDATE returns
         SET status = 'approved',
             decided_by = $2,
             decided_at = $3,
             note = $4,
             due_at = $5
         WHERE id = $1",
        id.0,
        by.map(|by| by.0),
        now,
        note,
        now + SENDING_TERM,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The seller does not agree, and says why. Needs a transaction.
pub async fn refuse(conn: &mut PgConnection, by: Party, id: ReturnId, note: &str) -> Result<(), ReturnError> {
    let now = guard(conn, id, by, Act::Refuse).await?.order.now;
    sqlx::query!(
        "UPDATE returns
         SET status = 'refused',
             decided_by = $2,
             decided_at = $3,
             note = $4,
             due_at = NULL,
             ended_at = $3
         WHERE id = $1",
        id.0,
        by.user.0,
        now,
        note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The buyer keeps the goods after all. Needs a transaction.
pub async fn cancel(conn: &mut PgConnection, by: Party, id: ReturnId) -> Result<(), ReturnError> {
    let now = guard(conn, id, by, Act::Cancel).await?.order.now;
    end(conn, id, ReturnStatus::Cancelled, now).await
}

/// Ends a return that is locked without goods or money.
pub(super) async fn end(
    conn: &mut PgConnection,
    id: ReturnId,
    status: ReturnStatus,
    now: DateTime<Utc>,
) -> Result<(), ReturnError> {
    sqlx::query!(
        "UPDATE returns
         SET status = $2,
             due_at = NULL,
             ended_at = $3
         WHERE id = $1",
        id.0,
        status as ReturnStatus,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The buyer has sent the goods. Needs a transaction.
pub async fn send(conn: &mut PgConnection, by: Party, id: ReturnId, tracking: &str) -> Result<(), ReturnError> {
    let now = guard(conn, id, by, Act::Send).await?.order.now;
    sqlx::query!(
        "UPDATE returns
         SET status = 'in_transit',
             tracking = $2,
             sent_at = $3,
             due_at = $4
         WHERE id = $1",
        id.0,
        tracking,
        now,
        now + RECEIVING_TERM,
    )
    .execute(conn)
    .await?;
    Ok(())
}
