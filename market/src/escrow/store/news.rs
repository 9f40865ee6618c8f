//! What mails about paid orders say.

use chrono::{DateTime, Utc};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::escrow::model::{DisputeReason, RefundStatus};
use crate::ids::{CheckoutId, OrderId, RefundId};

/// How the money of an order is divided up to now.
#[derive(Clone, Copy, Debug)]
pub struct Division {
    pub inspect_until: Option<DateTime<Utc>>,
    /// What the buyer gets back.
    pub refunded: Money,
    /// What the seller got when it was released, less the platform's part.
    pub earned: Money,
}

/// How the money of a paid order is divided.
pub async fn division(conn: &mut PgConnection, order: OrderId) -> Result<Option<Division>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT o.currency AS "currency: Currency", e.inspect_until, e.refunded_minor,
                  coalesce((SELECT m.amount_minor
                            FROM money_transfers AS t
                            JOIN money_entries AS m ON m.transfer_id = t.id
                            JOIN money_accounts AS a ON a.id = m.account_id
                            WHERE t.kind = 'release'
                              AND t.reference = $2
                              AND a.kind = 'receivable'), 0) AS "earned_minor!"
           FROM escrows AS e
           JOIN orders AS o ON o.id = e.order_id
           WHERE e.order_id = $1"#,
        order.0,
        order.to_string(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Division {
        inspect_until: row.inspect_until,
        refunded: Money::from_minor(row.refunded_minor, row.currency),
        earned: Money::from_minor(row.earned_minor, row.currency),
    }))
}

/// What the buyer said in the newest dispute about an order.
pub async fn complaint(
    conn: &mut PgConnection,
    order: OrderId,
) -> Result<Option<(DisputeReason, String)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT reason AS "reason: DisputeReason", text FROM disputes WHERE order_id = $1 ORDER BY id DESC LIMIT 1"#,
        order.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.reason, row.text)))
}

/// A refund that the buyer has.
#[derive(Clone, Copy, Debug)]
pub struct Repaid {
    pub checkout: CheckoutId,
    /// Absent when all of the checkout was repaid.
    pub order: Option<OrderId>,
    pub amount: Money,
}

/// The refund, if its provider has made it.
pub async fn repaid(conn: &mut PgConnection, id: RefundId) -> Result<Option<Repaid>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT p.checkout_id AS "checkout: CheckoutId", r.order_id AS "order: OrderId", r.amount_minor,
                  p.currency AS "currency: Currency"
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id
           WHERE r.id = $1
             AND r.status = $2"#,
        id.0,
        RefundStatus::Done as RefundStatus,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Repaid {
        checkout: row.checkout,
        order: row.order,
        amount: Money::from_minor(row.amount_minor, row.currency),
    }))
}
