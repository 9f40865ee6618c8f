//! What was paid is sent and arrives. That never alters the payment; it only begins the time of inspection.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::EscrowError;
use super::locked::{Locked, lock_for, move_order};
use crate::escrow::rules::INSPECTION;
use crate::ids::OrderId;
use crate::orders::model::OrderStatus;

/// The seller has sent it. Needs a transaction.
pub async fn ship(conn: &mut PgConnection, seller: OrgId, by: UserId, order: OrderId) -> Result<(), EscrowError> {
    let locked = lock_for(conn, order, |parties| parties.seller == seller).await?;
    if locked.status != OrderStatus::Paid {
        return Err(EscrowError::OrderStatus(locked.status));
    }
    sent(conn, &locked, Some(by)).await?;
    Ok(())
}

/// A locked order that is paid is on its way; returns its version.
pub(crate) async fn sent(conn: &mut PgConnection, order: &Locked, by: Option<UserId>) -> Result<i64, sqlx::Error> {
    move_order(conn, order.id, OrderStatus::InFulfilment, by).await
}

/// The buyer has it, and may find fault until the time that is returned. Needs a transaction.
pub async fn receive(
    conn: &mut PgConnection,
    buyer: OrgId,
    by: UserId,
    order: OrderId,
) -> Result<DateTime<Utc>, EscrowError> {
    let locked = lock_for(conn, order, |parties| parties.buyer == buyer).await?;
    if locked.status != OrderStatus::InFulfilment {
        return Err(EscrowError::OrderStatus(locked.status));
    }
    Ok(arrived(conn, &locked, Some(by)).await?.0)
}

/// A locked order that is on its way has arrived; its buyer may find fault until the time that is returned with its
/// version.
pub(crate) async fn arrived(
    conn: &mut PgConnection,
    order: &Locked,
    by: Option<UserId>,
) -> Result<(DateTime<Utc>, i64), sqlx::Error> {
    let version = move_order(conn, order.id, OrderStatus::Delivered, by).await?;
    let until = order.now + INSPECTION;
    sqlx::query!("UPDATE escrows SET inspect_until = $2 WHERE order_id = $1", order.id.0, until).execute(conn).await?;
    Ok((until, version))
}
