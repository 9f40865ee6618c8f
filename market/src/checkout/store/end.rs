//! Checkouts that nobody has paid.

use chrono::{DateTime, TimeDelta, Utc};
use shared::audit::Actor;
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::CheckoutError;
use crate::checkout::model::CheckoutStatus;
use crate::escrow::rules::CONFIRM_WITHIN;
use crate::ids::{CheckoutId, OrderId};
use crate::orders::model::OrderStatus;
use crate::shipments::store::{self as shipments, Done};
use crate::stock::model::Moved;
use crate::stock::store::{Kept, StockError, free};

/// A checkout that has ended unpaid.
#[derive(Clone, Debug)]
pub struct Ended {
    pub checkout: CheckoutId,
    pub orders: Vec<OrderId>,
    /// What was packed of them and does not leave any more.
    pub called_off: Vec<Done>,
    /// The stock levels that have units again, or have lost what is written off.
    pub moved: Vec<Moved>,
}

/// What an attempt to expire a checkout finds.
#[derive(Clone, Debug)]
pub enum Expiry {
    Ended(Ended),
    /// There is time to pay; both by the database's clock.
    NotYet {
        pay_by: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    /// Somebody is paying: there is time until then.
    Paying {
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    /// It was paid, or ended before; or goods of it are with the buyer, who owes for them.
    Nothing,
}

/// How long a payment that is under way holds an ending up, from the end of the time to pay or from when it begins to wait for its
/// buyer. What comes later is given back.
const PAYING: TimeDelta = CONFIRM_WITHIN;

/// Ends a checkout whose time to pay is over, and makes what it had reserved available again. Needs a transaction.
pub async fn expire(conn: &mut PgConnection, id: CheckoutId) -> Result<Expiry, CheckoutError> {
    let Some(locked) = lock(conn, id).await? else { return Ok(Expiry::Nothing) };
    if locked.awarded { Ok(Expiry::Nothing) } else { end_overdue(conn, id, &locked).await }
}

async fn end_overdue(conn: &mut PgConnection, id: CheckoutId, locked: &Locked) -> Result<Expiry, CheckoutError> {
    if locked.status != CheckoutStatus::Open || locked.owed {
        return Ok(Expiry::Nothing);
    }
    if locked.now <= locked.pay_by {
        return Ok(Expiry::NotYet { pay_by: locked.pay_by, now: locked.now });
    }
    // A payment begins to wait before the checkout ends, so that this is at most twice as long.
    let until = locked.waits_since.map_or(locked.pay_by, |since| since.max(locked.pay_by)) + PAYING;
    if locked.paying && locked.now <= until {
        return Ok(Expiry::Paying { until, now: locked.now });
    }
    Ok(Expiry::Ended(end(conn, id, CheckoutStatus::Expired, OrderStatus::Expired, None).await?))
}

/// Ends an unpaid checkout of `buyer`, by the wish of `by`. Needs a transaction.
pub async fn cancel(conn: &mut PgConnection, buyer: OrgId, by: UserId, id: CheckoutId) -> Result<Ended, CheckoutError> {
    let locked = lock(conn, id).await?.filter(|locked| locked.buyer == buyer).ok_or(CheckoutError::NotFound)?;
    if locked.status != CheckoutStatus::Open {
        return Err(CheckoutError::Ended(locked.status));
    }
    if locked.awarded {
        return Err(CheckoutError::Awarded);
    }
    if locked.paying {
        return Err(CheckoutError::Paying);
    }
    if locked.owed {
        return Err(CheckoutError::Owed);
    }
    end(conn, id, CheckoutStatus::Cancelled, OrderStatus::Cancelled, Some(by)).await
}

/// Ends the checkout of an award whose time to pay is over, and makes what it had reserved available again; the auction is locked.
/// Needs a transaction.
pub(crate) async fn expire_award(conn: &mut PgConnection, id: CheckoutId) -> Result<Expiry, CheckoutError> {
    match lock(conn, id).await? {
        Some(locked) if locked.awarded => end_overdue(conn, id, &locked).await,
        _ => Ok(Expiry::Nothing),
    }
}

/// Ends the unpaid checkout of an award by the wish of its buyer; the auction is locked. Needs a transaction.
pub(crate) async fn renounce_award(conn: &mut PgConnection, id: CheckoutId, by: UserId) -> Result<(), CheckoutError> {
    let locked = lock(conn, id).await?.ok_or(CheckoutError::NotFound)?;
    if locked.status != CheckoutStatus::Open {
        return Err(CheckoutError::Ended(locked.status));
    }
    if locked.paying {
        return Err(CheckoutError::Paying);
    }
    end(conn, id, CheckoutStatus::Expired, OrderStatus::Expired, Some(by)).await?;
    Ok(())
}

/// A checkout under its lock.
pub(crate) struct Locked {
    pub(crate) buyer: OrgId,
    pub(crate) status: CheckoutStatus,
    pub(crate) pay_by: DateTime<Utc>,
    /// It follows from an auction.
    awarded: bool,
    /// A payment of it is under way.
    pub(crate) paying: bool,
    /// Since when that payment waits for its buyer.
    waits_since: Option<DateTime<Utc>>,
    /// Goods of it have left and are not back: a trade's may, before they are paid.
    pub(crate) owed: bool,
    /// The clock after the lock.
    pub(crate) now: DateTime<Utc>,
}

/// Locks a checkout.
pub(crate) async fn lock(conn: &mut PgConnection, id: CheckoutId) -> Result<Option<Locked>, sqlx::Error> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM checkouts WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    sqlx::query_as!(
        Locked,
        r#"SELECT buyer_org_id AS "buyer: OrgId", status AS "status: CheckoutStatus", pay_by,
                  awarded,
                  EXISTS (SELECT FROM payments WHERE checkout_id = $1 AND status IN ('created', 'funding')) AS "paying!",
                  (SELECT waits_since FROM payments WHERE checkout_id = $1 AND status IN ('created', 'funding')) AS "waits_since?",
                  EXISTS (
                      SELECT
                      FROM orders AS o
                      JOIN shipments AS s ON s.order_id = o.id
                      WHERE o.checkout_id = $1
                        AND o.source = 'trade'
                        AND s.picked_up_at IS NOT NULL
                        AND (s.status <> 'returned'
                             OR EXISTS (SELECT FROM shipment_lines WHERE shipment_id = s.id AND delivered_quantity > 0))
                  ) AS "owed!",
                  clock_timestamp() AS "now!"
           FROM checkouts
           WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

async fn end(
    conn: &mut PgConnection,
    id: CheckoutId,
    status: CheckoutStatus,
    order_status: OrderStatus,
    by: Option<UserId>,
) -> Result<Ended, CheckoutError> {
    let (orders, called_off) = close(conn, id, status, order_status, by).await?;
    let moved = free(conn, Kept::OfCheckout(id)).await.map_err(of_stock)?;
    Ok(Ended { checkout: id, orders, called_off, moved })
}

/// Ends a locked checkout with its orders, and calls off what was packed of them: no carrier's report moves that any more. What they have
/// reserved is left to the caller.
pub(super) async fn close(
    conn: &mut PgConnection,
    id: CheckoutId,
    status: CheckoutStatus,
    order_status: OrderStatus,
    by: Option<UserId>,
) -> Result<(Vec<OrderId>, Vec<Done>), CheckoutError> {
    sqlx::query!(
        "UPDATE checkouts SET status = $2, ended_at = clock_timestamp() WHERE id = $1",
        id.0,
        status as CheckoutStatus,
    )
    .execute(&mut *conn)
    .await?;
    let mut orders = sqlx::query_scalar!(
        r#"WITH ended AS (
               UPDATE orders SET status = $2 WHERE checkout_id = $1 AND status = 'pending_payment' RETURNING id, version, status
           ), written AS (
               INSERT INTO order_events (order_id, version, status, actor) SELECT id, version, status, $3 FROM ended
           )
           SELECT id AS "id: OrderId" FROM ended"#,
        id.0,
        order_status as OrderStatus,
        by.map(|user| user.0),
    )
    .fetch_all(&mut *conn)
    .await?;
    orders.sort_unstable_by_key(|order| order.0);
    let called_off = shipments::call_off_packed(conn, &orders, by.map_or(Actor::System, Actor::User)).await?;
    Ok((orders, called_off))
}

pub(super) fn of_stock(error: StockError) -> CheckoutError {
    match error {
        StockError::Database(error) => CheckoutError::Sql(error),
        StockError::Invalid(invalid) => CheckoutError::Invalid(invalid),
        error => CheckoutError::Stock(error),
    }
}

/// Open checkouts whose time to pay ended more than two seconds ago, the longest overdue first; until then they are left to the
/// exact timer. Those of auctions are not among them, nor those whose goods have left.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<CheckoutId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: CheckoutId"
           FROM checkouts AS c
           WHERE status = 'open'
             AND NOT awarded
             AND pay_by <= clock_timestamp() - interval '2 seconds'
             AND NOT EXISTS (
                 SELECT
                 FROM orders AS o
                 JOIN shipments AS s ON s.order_id = o.id
                 WHERE o.checkout_id = c.id
                   AND o.source = 'trade'
                   AND s.picked_up_at IS NOT NULL
                   AND (s.status <> 'returned'
                        OR EXISTS (SELECT FROM shipment_lines WHERE shipment_id = s.id AND delivered_quantity > 0))
             )
           ORDER BY pay_by
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
