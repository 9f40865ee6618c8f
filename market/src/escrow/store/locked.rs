//! An order under its lock, with what is held for it.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::EscrowError;
use crate::escrow::model::{Escrow, EscrowStatus};
use crate::ids::{OrderId, PaymentId};
use crate::orders::model::OrderStatus;

/// An order whose row this transaction has locked.
pub(crate) struct Locked {
    pub(crate) id: OrderId,
    pub(crate) buyer: OrgId,
    pub(crate) seller: OrgId,
    pub(crate) status: OrderStatus,
    pub(super) payment: PaymentId,
    pub(crate) escrow: Escrow,
    /// The clock after the lock.
    pub(crate) now: DateTime<Utc>,
}

/// Locks an order. `None`: there is none, or nothing was paid for it.
pub(crate) async fn lock(conn: &mut PgConnection, id: OrderId) -> Result<Option<Locked>, sqlx::Error> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT o.buyer_org_id AS "buyer: OrgId", o.seller_org_id AS "seller: OrgId", o.status AS "status: OrderStatus",
                  o.currency AS "currency: Currency", e.payment_id AS "payment: PaymentId", e.amount_minor, e.released_minor,
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

/// [`lock`] for one of the parties: to everybody else there is no such order.
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

/// Moves an order that is locked on, and keeps that it was.
pub(super) async fn move_order(
    conn: &mut PgConnection,
    id: OrderId,
    status: OrderStatus,
    actor: Option<UserId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH moved AS (
             UPDATE orders SET status = $2 WHERE id = $1 RETURNING id, version, status
         )
         INSERT INTO order_events (order_id, version, status, actor) SELECT id, version, status, $3 FROM moved",
        id.0,
        status as OrderStatus,
        actor.map(|actor| actor.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}
