//! SQL for orders.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{MadeOrder, NewOrder, Order, OrderLine, OrderSource, OrderStatus, PAYMENT_TERM, Side};
use crate::checkout::store::{self as checkout, NewCheckout};
use crate::ids::{CheckoutId, ItemId, ListingId, OrderId};
use crate::money::rules::vat::Treatment;

/// Why an order was not created.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("an order needs at least one line")]
    Empty,
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Creates an order awaiting payment, with a checkout of its own, and freezes its amounts.
pub async fn create(conn: &mut PgConnection, new: &NewOrder) -> Result<MadeOrder, OrderError> {
    create_all(conn, vec![new.clone()]).await?.pop().ok_or(OrderError::Empty)
}

/// [`create`] for several orders, in as many statements as for one.
pub async fn create_all(conn: &mut PgConnection, all: Vec<NewOrder>) -> Result<Vec<MadeOrder>, OrderError> {
    let orders: Vec<_> = all.into_iter().map(|new| [(OrderId::generate(), new)]).collect();
    let new = orders.iter().map(|orders| {
        let [(_, order)] = orders;
        NewCheckout { orders, pay_by: order.created_at + PAYMENT_TERM }
    });
    let made = checkout::create_all(conn, &new.collect::<Vec<_>>()).await?;
    Ok(made.into_iter().flat_map(|checkout| checkout.orders).collect())
}

/// How often the status of an order was set.
pub async fn version(conn: &mut PgConnection, id: OrderId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT version FROM orders WHERE id = $1", id.0).fetch_one(conn).await
}

/// How often the status of each of these orders was set; unknown ones are left out.
pub async fn versions(conn: &mut PgConnection, ids: &[OrderId]) -> Result<HashMap<OrderId, i64>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(r#"SELECT id AS "id: OrderId", version FROM orders WHERE id = ANY ($1)"#, &ids)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

/// What an order was at a version and, after that, before it: the latest first.
pub async fn history(conn: &mut PgConnection, id: OrderId, version: i64) -> Result<Vec<OrderStatus>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT status AS "status: OrderStatus"
           FROM order_events
           WHERE order_id = $1
             AND version <= $2
           ORDER BY version DESC
           LIMIT 10"#,
        id.0,
        version,
    )
    .fetch_all(conn)
    .await
}

/// An order, and one of its lines.
struct Row {
    id: OrderId,
    checkout: CheckoutId,
    source: OrderSource,
    buyer_org_id: OrgId,
    buyer_name: String,
    seller_org_id: OrgId,
    seller_name: String,
    status: OrderStatus,
    currency: Currency,
    total_minor: i64,
    premium_minor: i64,
    tax_minor: i64,
    payable_minor: i64,
    vat_treatment: Treatment,
    fee_bps: Option<i32>,
    fee_minor: i64,
    net_minor: i64,
    pay_by: DateTime<Utc>,
    created_at: DateTime<Utc>,
    listing_id: Option<ListingId>,
    item_id: ItemId,
    title: String,
    quantity: i64,
    unit: String,
    unit_price_minor: Option<i64>,
    amount_minor: i64,
    line_fee_bps: i32,
    included_tax_minor: Option<i64>,
}

/// The order, whoever asks.
pub async fn find(conn: &mut PgConnection, id: OrderId) -> Result<Option<Order>, sqlx::Error> {
    Ok(orders(conn, &[id.0]).await?.pop())
}

/// These orders, whoever asks; unknown ones are left out.
pub async fn find_all(conn: &mut PgConnection, ids: &[OrderId]) -> Result<Vec<Order>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    orders(conn, &ids).await
}

/// The order, if `party` is its buyer or its seller.
pub async fn order(conn: &mut PgConnection, party: OrgId, id: OrderId) -> Result<Option<Order>, sqlx::Error> {
    Ok(find(conn, id).await?.filter(|order| order.buyer_org_id == party || order.seller_org_id == party))
}

/// Up to `limit` orders of `party`, newest first, before `before`.
pub async fn orders_of(
    conn: &mut PgConnection,
    party: OrgId,
    side: Side,
    before: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>, sqlx::Error> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    // Two statements, so that each can use its own index.
    let ids = match side {
        Side::Buyer => {
            sqlx::query_scalar!(
                "SELECT id FROM orders WHERE buyer_org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                party.0,
                before,
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Side::Seller => {
            sqlx::query_scalar!(
                "SELECT id FROM orders WHERE seller_org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                party.0,
                before,
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    orders(conn, &ids).await
}

/// These orders with their lines, newest first. Each has a line at least: its total is positive, and that of its lines.
///
/// The subquery hides the array's length from the planner, so that the plan is kept instead of made anew for each single order.
pub(crate) async fn orders(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Order>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT o.id AS "id: OrderId", o.checkout_id AS "checkout: CheckoutId", o.source AS "source: OrderSource", o.buyer_org_id AS "buyer_org_id: OrgId",
                  buyer.legal_name AS buyer_name, o.seller_org_id AS "seller_org_id: OrgId",
                  seller.legal_name AS seller_name, o.status AS "status: OrderStatus", o.currency AS "currency: Currency",
                  o.total_minor, o.premium_minor, o.tax_minor, o.payable_minor AS "payable_minor!",
                  o.vat_treatment AS "vat_treatment: Treatment", o.fee_bps, o.fee_minor, o.net_minor, o.pay_by, o.created_at,
                  n.listing_id AS "listing_id: ListingId", n.item_id AS "item_id: ItemId", n.title, n.quantity, n.unit,
                  n.unit_price_minor, n.amount_minor, coalesce(n.fee_bps, o.fee_bps, 0) AS "line_fee_bps!",
                  (SELECT tax_minor
                   FROM included_taxes
                   WHERE order_id = o.id
                     AND o.vat_treatment = 'export') AS "included_tax_minor?"
           FROM orders AS o
           JOIN orgs AS buyer ON buyer.id = o.buyer_org_id
           JOIN orgs AS seller ON seller.id = o.seller_org_id
           JOIN order_lines AS n ON n.order_id = o.id
           WHERE o.id = ANY (ARRAY(SELECT unnest($1::uuid[])))
           ORDER BY o.id DESC, n.line_no"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut orders: Vec<Order> = Vec::with_capacity(ids.len());
    for row in rows {
        let money = |minor| Money::from_minor(minor, row.currency);
        let line = OrderLine {
            listing_id: row.listing_id,
            item_id: row.item_id,
            title: row.title,
            quantity: row.quantity,
            unit: row.unit,
            unit_price: row.unit_price_minor.map(money),
            amount: money(row.amount_minor),
            fee_bps: row.line_fee_bps,
            days: Vec::new(),
        };
        if let Some(order) = orders.last_mut().filter(|order| order.id == row.id) {
            order.lines.push(line);
            continue;
        }
        orders.push(Order {
            id: row.id,
            checkout: row.checkout,
            source: row.source,
            buyer_org_id: row.buyer_org_id,
            buyer_name: row.buyer_name,
            seller_org_id: row.seller_org_id,
            seller_name: row.seller_name,
            status: row.status,
            total: money(row.total_minor),
            premium: money(row.premium_minor),
            tax: money(row.tax_minor),
            vat_treatment: row.vat_treatment,
            payable: money(row.payable_minor),
            included_tax: row.included_tax_minor.map(money),
            fee_bps: row.fee_bps,
            fee: money(row.fee_minor),
            net: money(row.net_minor),
            pay_by: row.pay_by,
            created_at: row.created_at,
            lines: vec![line],
        });
    }
    Ok(orders)
}

#[cfg(test)]
mod tests;
