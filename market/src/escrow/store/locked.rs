//! An order under its lock, with what is held for it.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::EscrowError;
use crate::escrow::model::{Escrow, EscrowStatus};
use crate::ids::{OrderId, PaymentId};
use crate::orders::model::{OrderStatus, Side};

/// An order whose row this transaction has locked.
pub(crate) struct Locked {
    pub(crate) id: OrderId,
    pub(crate) buyer: OrgId,
    pub(crate) seller: OrgId,
    pub(crate) status: OrderStatus,
    /// How often the status was set.
    pub(super) version: i64,
    pub(super) payment: PaymentId,
    pub(crate) escrow: Escrow,
    /// The clock after the lock.
    pub(crate) now: DateTime<Utc>,
}

/// Locks an order. `None`: there is none, or nothing was paid for it.
pub(crate) async fn lock(conn: &mut PgConnection, id: OrderId) -> Result<Option<Locked>, sqlx::Error> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    locked(conn, id).await
}

/// An order that this transaction has locked before; `None` if nothing was paid for it.
async fn locked(conn: &mut PgConnection, id: OrderId) -> Result<Option<Locked>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT o.buyer_org_id AS "buyer: OrgId", o.seller_org_id AS "seller: OrgId", o.status AS "status: OrderStatus",
                  o.version, o.currency AS "currency: Currency", e.payment_id AS "payment: PaymentId", e.amount_minor, e.released_minor,
                  e.refunded_minor, e.status AS "escrow: EscrowStatus", e.inspect_until, clock_timestamp() AS "now!"
           FROM orders AS o
           JOIN escrows AS e ON e.order_id = o.id
           WHERE o.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let money = |minor| Money::from_minor(minor, row.currency);
        Locked {
            id,
            buyer: row.buyer,
            seller: row.seller,
            status: row.status,
            version: row.version,
            payment: row.payment,
            escrow: Escrow {
                order: id,
                status: row.escrow,
                amount: money(row.amount_minor),
                released: money(row.released_minor),
                refunded: money(row.refunded_minor),
                inspect_until: row.inspect_until,
            },
            now: row.now,
        }
    }))
}

/// [`lock`] for the buyer or the seller, whichever is asked for: to everybody else there is no such order, and they lock none.
pub(crate) async fn lock_as(
    conn: &mut PgConnection,
    side: Side,
    party: OrgId,
    id: OrderId,
) -> Result<Locked, EscrowError> {
    // As in [`lock`]; the parties never change.
    let found = sqlx::query!(
        "SELECT
         FROM orders
         WHERE id = $1
           AND CASE WHEN $3 THEN buyer_org_id ELSE seller_org_id END = $2
         FOR NO KEY UPDATE",
        id.0,
        party.0,
        side == Side::Buyer,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if found.is_none() {
        return Err(EscrowError::NotFound);
    }
    locked(conn, id).await?.ok_or(EscrowError::NotPaid)
}

/// [`lock`] for whichever parties `is_party` says: to everybody else there is no such order.
pub(crate) async fn lock_for(
    conn: &mut PgConnection,
    id: OrderId,
    is_party: impl FnOnce(&Parties) -> bool,
) -> Result<Locked, EscrowError> {
    let parties = sqlx::query_as!(
        Parties,
        r#"SELECT buyer_org_id AS "buyer: OrgId", seller_org_id AS "seller: OrgId" FROM orders WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Neither changes, so that this needs no lock.
    if !parties.is_some_and(|parties| is_party(&parties)) {
        return Err(EscrowError::NotFound);
    }
    lock(conn, id).await?.ok_or(EscrowError::NotPaid)
}

/// Whose order it is.
pub(crate) struct Parties {
    pub(crate) buyer: OrgId,
    pub(crate) seller: OrgId,
}

/// Moves an order that is locked on, and keeps that it was; returns its version.
pub(super) async fn move_order(
    conn: &mut PgConnection,
    id: OrderId,
    status: OrderStatus,
    actor: Option<UserId>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "WITH moved AS (
             UPDATE orders SET status = $2 WHERE id = $1 RETURNING id, version, status
         )
         INSERT INTO order_events (order_id, version, status, actor) SELECT id, version, status, $3 FROM moved
         RETURNING version",
        id.0,
        status as OrderStatus,
        actor.map(|actor| actor.0),
    )
    .fetch_one(conn)
    .await
}
