//! Trades whose goods have left, and that nobody will pay.

use serde_json::json;
use shared::audit::{self, Actor};
use sqlx::PgConnection;

use super::CheckoutError;
use super::end::{Ended, close, lock, of_stock};
use crate::checkout::model::CheckoutStatus;
use crate::ids::{CheckoutId, OrderId};
use crate::offers::model::Party;
use crate::orders::model::OrderStatus;
use crate::shipments::store as shipments;
use crate::standing::store as standing;
use crate::stock::store as stock;

/// Gives up a trade that was not paid in its time while goods of it are with the buyer or on their way, by its seller: it expires, what
/// has left is out of the seller's stock book, and the buyer has a strike. Nothing was paid, so that no money moves. Needs a transaction.
pub async fn write_off(
    conn: &mut PgConnection,
    by: Party,
    order: OrderId,
    reason: &str,
) -> Result<Ended, CheckoutError> {
    // None of these changes, so that this needs no lock.
    let id = sqlx::query_scalar!(
        r#"SELECT checkout_id AS "id: CheckoutId"
           FROM orders
           WHERE id = $1
             AND seller_org_id = $2
             AND source = 'trade'"#,
        order.0,
        by.org.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(CheckoutError::NotFound)?;
    let locked = lock(conn, id).await?.ok_or(CheckoutError::NotFound)?;
    if locked.status != CheckoutStatus::Open {
        return Err(CheckoutError::Ended(locked.status));
    }
    if !locked.owed {
        return Err(CheckoutError::NothingOwed);
    }
    if locked.now <= locked.pay_by {
        return Err(CheckoutError::TimeToPay(locked.pay_by));
    }
    if locked.paying {
        return Err(CheckoutError::Paying);
    }
    let (orders, called_off) = close(conn, id, CheckoutStatus::Expired, OrderStatus::Expired, Some(by.user)).await?;
    let gone = shipments::gone(conn, order).await?;
    let moved = stock::write_off(conn, order, &gone, reason, by.user).await.map_err(of_stock)?;
    let strike = standing::strike(conn, order).await?;
    let (subject, data) = (("order", order.to_string()), json!({"reason": reason, "strike": strike}));
    audit::append(conn, audit::Entry { actor: Actor::User(by.user), action: "order.write_off", subject, data }).await?;
    Ok(Ended { checkout: id, orders, called_off, moved })
}
