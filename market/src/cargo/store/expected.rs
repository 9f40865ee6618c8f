//! When shipments are to be delivered, by the plans and estimates of those who report.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;

use crate::cargo::model::EventType;

/// What was reported last of a delivery to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedDelivery {
    pub at: DateTime<Utc>,
    /// A plan or an estimate.
    pub basis: EventType,
    pub reported_at: DateTime<Utc>,
}

/// What was reported last of the delivery of each of these shipments, in their order. Whoever reports it may be wrong about when: the
/// report that came last counts, whatever time it names. One that its source has corrected does not.
pub(super) async fn expected(
    conn: &mut PgConnection,
    shipments: &[(OrgId, &str)],
) -> Result<Vec<Option<ExpectedDelivery>>, sqlx::Error> {
    let mut expected = vec![None; shipments.len()];
    if shipments.is_empty() {
        return Ok(expected);
    }
    let rows = sqlx::query!(
        r#"
        SELECT
            asked.place AS "place!", latest.occurred_at AS "at!", latest.type AS "basis!: EventType",
            latest.recorded_at AS "reported_at!"
        FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (org, shipment, place)
        CROSS JOIN LATERAL (
            SELECT said.occurred_at, said.type, said.recorded_at
            FROM cargo_events AS said
            WHERE said.org = asked.org
                AND said.shipment = asked.shipment
                AND said.type <> 'actual'
                AND said.status = 'delivered'
                AND NOT EXISTS (
                    SELECT
                    FROM cargo_events AS later
                    WHERE later.org = said.org
                        AND later.shipment = said.shipment
                        AND later.source = said.source
                        AND later.corrects = said.source_event_id
                        AND later.corrects IS NOT NULL
                )
            ORDER BY said.recorded_at DESC, said.sequence DESC, said.id DESC
            LIMIT 1
        ) AS latest
        "#,
        &shipments.iter().map(|(org, _)| org.0).collect::<Vec<_>>(),
        &shipments.iter().map(|(_, shipment)| *shipment).collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let place = usize::try_from(row.place - 1).ok();
        if let Some(known) = place.and_then(|place| expected.get_mut(place)) {
            *known = Some(ExpectedDelivery { at: row.at, basis: row.basis, reported_at: row.reported_at });
        }
    }
    Ok(expected)
}
