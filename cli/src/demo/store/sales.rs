//! What was sold, and how far it has got.

use chrono::{DateTime, Utc};
use market::ids::{CheckoutId, DisputeId, OrderId, SecondChanceId};
use market::orders::model::OrderStatus;
use shared::ids::OrgId;
use shared::money::{Currency, Money};

use super::{Stored, unsigned};

/// One order of a seller.
#[derive(Clone, Debug)]
pub(crate) struct Sale {
    pub(crate) order: OrderId,
    pub(crate) checkout: CheckoutId,
    /// The name of what was sold.
    pub(crate) sku: String,
    /// The first bidder has not paid.
    pub(crate) second_chance: bool,
    /// The address of whoever bought it.
    pub(crate) buyer: String,
    pub(crate) status: OrderStatus,
    pub(crate) payable: Money,
    /// Which is open.
    pub(crate) dispute: Option<DisputeId>,
}

/// A shipment of an order, after it was picked up.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) order: OrderId,
    pub(crate) tracking: String,
    pub(crate) picked_up_at: DateTime<Utc>,
}

/// A lot that its next bidder can have.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    pub(crate) id: SecondChanceId,
    pub(crate) lot: String,
    pub(crate) bidder: String,
}

impl Stored {
    /// The orders of a seller, oldest first.
    pub(crate) async fn sales(&mut self, seller: OrgId) -> anyhow::Result<Vec<Sale>> {
        let rows = sqlx::query!(
            r#"SELECT o.id AS "id: OrderId", o.checkout_id AS "checkout: CheckoutId", i.sku,
                      coalesce(a.source = 'second_chance', false) AS "second_chance!", u.email,
                      o.status AS "status: OrderStatus", o.payable_minor AS "payable!", o.currency AS "currency: Currency",
                      (SELECT id FROM disputes WHERE order_id = o.id AND status = 'open') AS "dispute: DisputeId"
               FROM orders AS o
               JOIN order_lines AS l ON l.order_id = o.id AND l.line_no = 1
               JOIN items AS i ON i.id = l.item_id
               JOIN users AS u ON u.id = o.placed_by
               LEFT JOIN awards AS a ON a.id = o.award_id
               WHERE o.seller_org_id = $1
               ORDER BY o.id"#,
            seller.0,
        )
        .fetch_all(&mut self.market)
        .await?;
        let sales = rows.into_iter().map(|row| Sale {
            order: row.id,
            checkout: row.checkout,
            sku: row.sku,
            second_chance: row.second_chance,
            buyer: row.email,
            status: row.status,
            payable: Money::from_minor(row.payable, row.currency),
            dispute: row.dispute,
        });
        Ok(sales.collect())
    }

    /// How many of these orders are as one of these statuses says.
    pub(crate) async fn orders_that_are(&mut self, orders: &[OrderId], statuses: &[OrderStatus]) -> sqlx::Result<u64> {
        let orders: Vec<_> = orders.iter().map(|order| order.0).collect();
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM orders WHERE id = ANY ($1) AND status = ANY ($2)"#,
            &orders,
            statuses as &[OrderStatus],
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(unsigned(count))
    }

    /// What was sent of these orders, oldest first.
    pub(crate) async fn sent(&mut self, orders: &[OrderId]) -> sqlx::Result<Vec<Sent>> {
        let orders: Vec<_> = orders.iter().map(|order| order.0).collect();
        sqlx::query_as!(
            Sent,
            r#"SELECT order_id AS "order!: OrderId", tracking, picked_up_at AS "picked_up_at!"
               FROM shipments
               WHERE order_id = ANY ($1)
                 AND picked_up_at IS NOT NULL
               ORDER BY id"#,
            &orders,
        )
        .fetch_all(&mut self.market)
        .await
    }

    /// What next bidders can have of a seller's lots.
    pub(crate) async fn chances(&mut self, seller: OrgId) -> sqlx::Result<Vec<Chance>> {
        sqlx::query_as!(
            Chance,
            r#"SELECT s.id AS "id: SecondChanceId", i.sku AS lot, u.email AS bidder
               FROM second_chances AS s
               JOIN auctions AS a ON a.id = s.auction_id
               JOIN listings AS l ON l.id = a.listing_id
               JOIN items AS i ON i.id = l.item_id
               JOIN bids AS b ON b.id = s.bid_id
               JOIN users AS u ON u.id = b.placed_by
               WHERE a.seller_org_id = $1
                 AND s.status = 'offered'"#,
            seller.0,
        )
        .fetch_all(&mut self.market)
        .await
    }
}
