//! Checkouts as their buyer sees them.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::checkout::model::{Checkout, CheckoutStatus};
use crate::ids::CheckoutId;
use crate::orders::store as orders;

struct Row {
    id: CheckoutId,
    buyer: OrgId,
    status: CheckoutStatus,
    currency: Currency,
    payable_minor: i64,
    pay_by: DateTime<Utc>,
    created_at: DateTime<Utc>,
    orders: Vec<uuid::Uuid>,
}

/// A checkout of `buyer`.
pub async fn checkout(conn: &mut PgConnection, buyer: OrgId, id: CheckoutId) -> Result<Option<Checkout>, sqlx::Error> {
    Ok(find(conn, id).await?.filter(|found| found.buyer_org_id == buyer))
}

/// The checkout, whoever bought.
pub async fn find(conn: &mut PgConnection, id: CheckoutId) -> Result<Option<Checkout>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CheckoutId", c.buyer_org_id AS "buyer: OrgId", c.status AS "status: CheckoutStatus", c.currency AS "currency: Currency",
                  c.payable_minor, c.pay_by, c.created_at,
                  ARRAY (SELECT o.id FROM orders AS o WHERE o.checkout_id = c.id) AS "orders!"
           FROM checkouts AS c
           WHERE c.id = $1"#,
        id.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(filled(conn, rows).await?.pop())
}

/// Up to `limit` checkouts of `buyer`, newest first, before `before`.
pub async fn of_buyer(
    conn: &mut PgConnection,
    buyer: OrgId,
    before: Option<CheckoutId>,
    limit: i64,
) -> Result<Vec<Checkout>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CheckoutId", c.buyer_org_id AS "buyer: OrgId", c.status AS "status: CheckoutStatus", c.currency AS "currency: Currency",
                  c.payable_minor, c.pay_by, c.created_at,
                  ARRAY (SELECT o.id FROM orders AS o WHERE o.checkout_id = c.id) AS "orders!"
           FROM checkouts AS c
           WHERE c.buyer_org_id = $1
             AND c.id < $2
           ORDER BY c.id DESC
           LIMIT $3"#,
        buyer.0,
        before.map_or(uuid::Uuid::max(), |id| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    filled(conn, rows).await
}

async fn filled(conn: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Checkout>, sqlx::Error> {
    let ids: Vec<_> = rows.iter().flat_map(|row| row.orders.iter().copied()).collect();
    let mut orders = orders::orders(conn, &ids).await?;
    let checkouts = rows.into_iter().map(|row| {
        let (own, others) = orders.drain(..).partition(|order| row.orders.contains(&order.id.0));
        orders = others;
        Checkout {
            id: row.id,
            buyer_org_id: row.buyer,
            status: row.status,
            payable: Money::from_minor(row.payable_minor, row.currency),
            pay_by: row.pay_by,
            created_at: row.created_at,
            orders: own,
        }
    });
    Ok(checkouts.collect())
}
