//! When shipments may arrive, and what the public may know of one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::cargo::{EventType, ShipmentStatus};
use crate::ids::ShipmentId;
use crate::shipments::model::{Arrival, Expected, Milestone, Neighbourhood, Track, Tracking};

/// When those of these shipments that are on their way between two sites may arrive, where enough journeys are known.
pub(super) async fn arrivals(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<ShipmentId, Arrival>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            s.id AS "id: ShipmentId", likely.journeys AS "journeys!", s.picked_up_at + likely.took[1] AS "earliest!",
            s.picked_up_at + likely.took[2] AS "likely!", s.picked_up_at + likely.took[3] AS "latest!"
        FROM shipments AS s
        JOIN sites AS a ON a.id = s.from_site
        JOIN sites AS b ON b.id = s.to_site
        CROSS JOIN LATERAL (
            SELECT
                1 AS choice, count(*) AS journeys,
                percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY last.took) AS took
            FROM (
                SELECT took
                FROM shipment_journeys
                WHERE from_site = s.from_site
                    AND to_site = s.to_site
                ORDER BY ended_at DESC
                LIMIT 50
            ) AS last
            HAVING count(*) >= 5
            UNION ALL
            SELECT
                2, count(*),
                percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY last.took)
            FROM (
                SELECT took
                FROM shipment_journeys
                WHERE from_region = a.region_id
                    AND to_region = b.region_id
                ORDER BY ended_at DESC
                LIMIT 50
            ) AS last
            HAVING count(*) >= 5
            ORDER BY choice
            LIMIT 1
        ) AS likely
        WHERE s.id = ANY ($1)
            AND s.picked_up_at IS NOT NULL
            AND s.ended_at IS NULL
        "#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let arrivals = rows.into_iter().map(|row| {
        let (earliest, likely, latest) = (row.earliest, row.likely, row.latest);
        (row.id, Arrival { earliest, likely, latest, journeys: row.journeys })
    });
    Ok(arrivals.collect())
}

/// What whoever knows its number may see of a shipment.
pub async fn track(conn: &mut PgConnection, number: &Tracking) -> Result<Option<Track>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            s.id, s.tracking AS "tracking: Tracking", s.status AS "status: ShipmentStatus", a.name AS "from?", b.name AS "to?",
            t.moving, t.latitude, t.longitude, t.seen_at, t.stalled_at IS NOT NULL AS "stalled!", s.planned_delivery, s.ended_at,
            t.expected_at, t.expected_type AS "expected_type: EventType", t.expected_reported_at,
            ARRAY(
                SELECT m.status
                FROM shipment_milestones AS m
                WHERE m.shipment_id = s.id
                ORDER BY m.at, m.status
            ) AS "statuses!: Vec<ShipmentStatus>",
            ARRAY(
                SELECT m.at
                FROM shipment_milestones AS m
                WHERE m.shipment_id = s.id
                ORDER BY m.at, m.status
            ) AS "times!: Vec<DateTime<Utc>>"
        FROM shipments AS s
        JOIN shipment_traces AS t ON t.shipment_id = s.id
        LEFT JOIN sites AS x ON x.id = s.from_site
        LEFT JOIN regions AS a ON a.id = x.region_id
        LEFT JOIN sites AS y ON y.id = s.to_site
        LEFT JOIN regions AS b ON b.id = y.region_id
        WHERE s.tracking = $1
        "#,
        number.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let arrival = arrivals(conn, &[row.id]).await?.remove(&ShipmentId(row.id));
    let place = row.latitude.zip(row.longitude).zip(row.seen_at).filter(|_| row.moving);
    let position = place.map(|((latitude, longitude), seen_at)| Neighbourhood {
        latitude: coarse(latitude),
        longitude: coarse(longitude),
        seen_at,
    });
    let milestones = row.statuses.into_iter().zip(row.times);
    Ok(Some(Track {
        tracking: row.tracking,
        status: row.status,
        from: row.from,
        to: row.to,
        milestones: milestones.map(|(status, at)| Milestone { status, at }).collect(),
        arrival,
        expected: Expected::new((row.expected_at, row.expected_type, row.expected_reported_at), row.planned_delivery)
            .filter(|_| row.ended_at.is_none()),
        position,
        stalled: row.stalled,
    }))
}

/// To a tenth of a degree; zero has no sign.
fn coarse(degrees: f64) -> f64 {
    (degrees * 10.0).round() / 10.0 + 0.0
}
