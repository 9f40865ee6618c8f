//! Cargo events of an organisation's shipments, or of everybody's. Months that are archived are not in the log any more.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Column, Line, Lines, Part, Row};
use crate::exports::model::Scope;

pub(super) const PART: Part = Part {
    name: "cargo_events",
    about: "What was reported about shipments.",
    columns: &[
        Column::new("shipment", "The shipment, as its reporter calls it."),
        Column::new("occurred_at", "When it happened, or is to happen."),
        Column::new("recorded_at", "When it came here."),
        Column::new("org", "The organisation whose shipment it is."),
        Column::new("source", "Who reported it."),
        Column::new("source_event_id", "What the source calls the event."),
        Column::new("sequence", "The source's count of its events of the same moment."),
        Column::new("type", "Whether it is planned, estimated or happened."),
        Column::new("status", "What the shipment came to."),
        Column::new("latitude", "Where it was, in degrees."),
        Column::new("longitude", "Where it was, in degrees."),
        Column::new("corrects", "The earlier event of the source that it replaces."),
        Column::new("payload", "What else the source said, as JSON."),
    ],
    covers: &[],
    read,
};

/// In the order of the log's only index that both can use.
fn read<'c>(conn: &'c mut PgConnection, scope: &'c Scope, after: Option<&'c str>, limit: i64) -> Lines<'c> {
    let (first, last) = scope.org.map_or((Uuid::nil(), Uuid::max()), |org| (org.0, org.0));
    Box::pin(
        sqlx::query_as!(
            Line,
            r#"
            SELECT
                jsonb_build_array(page.org, page.shipment, page.occurred_at, page.sequence, page.id)::text AS "key!",
                to_jsonb(page) - 'id' AS "row!: Row"
            FROM (
                SELECT
                    id, shipment, occurred_at, recorded_at, org, source, source_event_id, sequence, type, status, latitude, longitude,
                    corrects, payload
                FROM cargo_events
                WHERE org >= $7
                  AND org <= $8
                  AND (org, shipment, occurred_at, sequence, id) > (
                      coalesce(($2::text::jsonb ->> 0)::uuid, '00000000-0000-0000-0000-000000000000'),
                      coalesce($2::text::jsonb ->> 1, ''),
                      coalesce(($2::text::jsonb ->> 2)::timestamptz, '-infinity'),
                      coalesce(($2::text::jsonb ->> 3)::bigint, -9223372036854775808),
                      coalesce(($2::text::jsonb ->> 4)::bigint, -9223372036854775808)
                  )
                  AND ($4::timestamptz IS NULL OR occurred_at >= $4)
                  AND ($5::timestamptz IS NULL OR occurred_at < $5)
                  AND recorded_at < $6
                  AND ($1::text IS NULL OR status = $1::text::cargo_status)
                ORDER BY org, shipment, occurred_at, sequence, id
                LIMIT $3
            ) AS page
            ORDER BY page.org, page.shipment, page.occurred_at, page.sequence, page.id
            "#,
            scope.status,
            after,
            limit,
            scope.from,
            scope.until,
            scope.asked_at,
            first,
            last,
        )
        .fetch_all(conn),
    )
}
