//! What was shipped in some time.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::read::shipments;
use crate::ids::{RegionId, SiteId};
use crate::shipments::model::{ShipmentCounts, ShipmentFigures, SiteFigures};
use crate::shipments::rules::figures::{by_region, sum, with_shares};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub struct FigureFilter {
    /// The shipper.
    pub org: OrgId,
    /// From here on; absent: from the beginning.
    pub from: Option<DateTime<Utc>>,
    /// Before this; absent: up to now.
    pub to: Option<DateTime<Utc>>,
    /// What left sites there, or in a part of it.
    pub region: Option<RegionId>,
    pub site: Option<SiteId>,
}

/// Counts what left the sites, what ended, and what is low there now.
pub async fn figures(conn: &mut PgConnection, filter: FigureFilter) -> Result<ShipmentFigures, sqlx::Error> {
    let sites = by_site(conn, filter).await?;
    let recent = recent(conn, filter).await?;
    Ok(ShipmentFigures {
        from: filter.from,
        to: filter.to,
        counts: sum(sites.iter().map(|site| site.counts)),
        regions: by_region(&sites),
        sites,
        recent: shipments(conn, &recent).await?,
    })
}

async fn by_site(conn: &mut PgConnection, filter: FigureFilter) -> Result<Vec<SiteFigures>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH counted AS (
               SELECT s.from_site AS site_id, 1::bigint AS picked_up, l.moved_ml, l.moved_g, 0::bigint AS ended, 0::bigint AS delivered,
                      0::bigint AS planned, 0::bigint AS on_time, 0::bigint AS low
               FROM shipments AS s
               CROSS JOIN LATERAL (
                   SELECT sum(quantity * volume_ml)::bigint AS moved_ml, sum(quantity * weight_g)::bigint AS moved_g
                   FROM shipment_lines
                   WHERE shipment_id = s.id
               ) AS l
               WHERE s.org_id = $1
                 AND s.picked_up_at >= coalesce($2::timestamptz, '-infinity')
                 AND s.picked_up_at < coalesce($3::timestamptz, 'infinity')
               UNION ALL
               SELECT from_site, 0, 0, 0, 1, (status = 'delivered')::int, (status = 'delivered' AND planned_delivery IS NOT NULL)::int,
                      (status = 'delivered' AND ended_at <= planned_delivery IS TRUE)::int, 0
               FROM shipments
               WHERE org_id = $1
                 AND status IN ('delivered', 'returned')
                 AND ended_at >= coalesce($2::timestamptz, '-infinity')
                 AND ended_at < coalesce($3::timestamptz, 'infinity')
               UNION ALL
               SELECT site_id, 0, 0, 0, 0, 0, 0, 0, 1
               FROM stock_levels
               WHERE org_id = $1
                 AND is_low
           )
           SELECT c.site_id AS "site_id?: SiteId", s.region_id AS "region_id?: RegionId", sum(c.picked_up)::bigint AS "picked_up!",
                  sum(c.moved_ml)::bigint AS "moved_ml!", sum(c.moved_g)::bigint AS "moved_g!", sum(c.ended)::bigint AS "ended!",
                  sum(c.delivered)::bigint AS "delivered!", sum(c.planned)::bigint AS "planned!", sum(c.on_time)::bigint AS "on_time!",
                  sum(c.low)::bigint AS "low_levels!"
           FROM counted AS c
           LEFT JOIN sites AS s ON s.id = c.site_id
           LEFT JOIN regions AS r ON r.id = s.region_id
           WHERE ($4::uuid IS NULL OR c.site_id = $4)
             AND ($5::uuid IS NULL
                  OR EXISTS (SELECT FROM regions WHERE id = $5 AND (r.code = code OR starts_with(r.code, code || '/'))))
           GROUP BY c.site_id, s.region_id
           ORDER BY c.site_id NULLS LAST"#,
        filter.org.0,
        filter.from,
        filter.to,
        filter.site.map(|site| site.0),
        filter.region.map(|region| region.0),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SiteFigures {
            site_id: row.site_id,
            region_id: row.region_id,
            counts: with_shares(ShipmentCounts {
                picked_up: row.picked_up,
                moved_ml: row.moved_ml,
                moved_g: row.moved_g,
                ended: row.ended,
                delivered: row.delivered,
                planned: row.planned,
                on_time: row.on_time,
                delivered_bps: None,
                on_time_bps: None,
                low_levels: row.low_levels,
            }),
        })
        .collect())
}

async fn recent(conn: &mut PgConnection, filter: FigureFilter) -> Result<Vec<uuid::Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT h.id
         FROM shipments AS h
         LEFT JOIN sites AS s ON s.id = h.from_site
         LEFT JOIN regions AS r ON r.id = s.region_id
         WHERE h.org_id = $1
           AND ($2::uuid IS NULL OR h.from_site = $2)
           AND ($3::uuid IS NULL
                OR EXISTS (SELECT FROM regions WHERE id = $3 AND (r.code = code OR starts_with(r.code, code || '/'))))
         ORDER BY h.id DESC
         LIMIT 10",
        filter.org.0,
        filter.site.map(|site| site.0),
        filter.region.map(|region| region.0),
    )
    .fetch_all(conn)
    .await
}
