//! Whether the demo's receiver was told of what became of orders.

use chrono::{DateTime, Utc};
use market::ids::{DeliveryId, EndpointId};
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

    /// What was delivered about the orders of these sellers to these endpoints, to each since its time.
    pub(crate) async fn webhooks_delivered_since(
        &mut self,
        sellers: &[OrgId],
        since: &[(EndpointId, DateTime<Utc>)],
    ) -> sqlx::Result<Vec<(EndpointId, DeliveryId)>> {
        let orgs: Vec<_> = sellers.iter().map(|seller| seller.0).collect();
        let (endpoints, times): (Vec<_>, Vec<_>) = since.iter().map(|(endpoint, since)| (endpoint.0, *since)).unzip();
        let rows = sqlx::query!(
            r#"SELECT d.endpoint_id AS "endpoint!: EndpointId", d.id AS "id!: DeliveryId"
               FROM unnest($2::uuid[], $3::timestamptz[]) AS followed (endpoint_id, since)
               JOIN webhook_endpoints AS e ON e.id = followed.endpoint_id
               JOIN webhook_deliveries AS d ON d.endpoint_id = e.id
               WHERE e.org_id = ANY ($1)
                 AND d.status = 'delivered'
                 AND d.ended_at >= followed.since
                 AND d.order_id IS NOT NULL"#,
            &orgs,
            &endpoints,
            &times,
        )
        .fetch_all(&mut self.market)
        .await?;
        Ok(rows.into_iter().map(|row| (row.endpoint, row.id)).collect())
    }
}
