//! Whether what was paid has arrived, by the market's books and by the event log.

use shared::ids::OrgId;

use super::{Stored, unsigned};

/// What became of sellers' shipments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shipped {
    pub(crate) delivered: u64,
    /// Lines of paid orders of which another quantity has arrived than was bought, and delivered shipments of which the log says
    /// something else.
    pub(crate) wrong: u64,
}

impl Stored {
    pub(crate) async fn shipped(&mut self, sellers: &[OrgId]) -> sqlx::Result<Shipped> {
        let sellers: Vec<_> = sellers.iter().map(|seller| seller.0).collect();
        let delivered = sqlx::query_scalar!(
            "SELECT tracking FROM shipments WHERE org_id = ANY ($1) AND status = 'delivered'",
            &sellers,
        )
        .fetch_all(&mut self.market)
        .await?;
        let lines = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM orders AS o
               JOIN escrows AS e ON e.order_id = o.id
               JOIN order_lines AS l ON l.order_id = o.id
               WHERE o.seller_org_id = ANY ($1)
                 AND l.quantity <> (
                     SELECT coalesce(sum(s.delivered_quantity), 0)
                     FROM shipment_lines AS s
                     WHERE s.order_id = l.order_id
                       AND s.order_line = l.line_no)"#,
            &sellers,
        )
        .fetch_one(&mut self.market)
        .await?;
        let known = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM cargo_standings
               WHERE org = ANY ($1)
                 AND shipment = ANY ($2)
                 AND delivered_at IS NOT NULL"#,
            &sellers,
            &delivered,
        )
        .fetch_one(&mut self.events)
        .await?;
        let delivered = delivered.len() as u64;
        Ok(Shipped { delivered, wrong: unsigned(lines) + (delivered - unsigned(known)) })
    }
}
