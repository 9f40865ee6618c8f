//! Whether the demo's receiver was told of what became of orders.

use shared::ids::OrgId;

use super::{Stored, unsigned};

/// The webhooks about the orders of sellers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Webhooks {
    /// Events that arrived, each once however often it was sent.
    pub(crate) delivered: u64,
    /// Those that are not there yet, whatever their jobs do: one whose endpoint was busy is put off.
    pub(crate) waiting: u64,
    /// Each of them has an endpoint.
    pub(crate) is_followed: bool,
}

impl Stored {
    pub(crate) async fn webhooks(&mut self, sellers: &[OrgId]) -> sqlx::Result<Webhooks> {
        let orgs: Vec<_> = sellers.iter().map(|seller| seller.0).collect();
        let row = sqlx::query!(
            r#"SELECT (SELECT count(*)
                       FROM webhook_deliveries AS d
                       JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
                       WHERE e.org_id = ANY ($1)
                         AND d.status = 'delivered'
                         AND d.order_id IS NOT NULL) AS "delivered!",
                      (SELECT count(*)
                       FROM webhook_deliveries AS d
                       JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
                       WHERE e.org_id = ANY ($1)
                         AND d.status = 'waiting'
                         AND d.order_id IS NOT NULL) AS "waiting!",
                      (SELECT count(DISTINCT org_id)
                       FROM webhook_endpoints
                       WHERE org_id = ANY ($1)
                         AND ended_at IS NULL) AS "followed!""#,
            &orgs,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(Webhooks {
            delivered: unsigned(row.delivered),
            waiting: unsigned(row.waiting),
            is_followed: unsigned(row.followed) == sellers.len() as u64,
        })
    }
}
