//! Marks: which shipments of ours have news that were not carried over to them yet.
//!
//! # How to get this wrong
//! - Taking the number of a mark before the shipment's standing is locked: a later mark could have a smaller one, and its news would
//!   be taken for old.
//! - Taking a mark away by its shipment alone: news that came meanwhile would be lost with it.
//! - Holding marks locked while shipments follow: the flood would wait for them.

use std::collections::BTreeSet;

use shared::ids::OrgId;
use sqlx::PgConnection;

use super::expected::{ExpectedDelivery, expected};
use super::standings::standings;
use crate::cargo::model::OwnedEvent;
use crate::cargo::rules::Standing;
use crate::shipments::model::Tracking;

/// A shipment with news.
#[derive(Clone, Debug)]
pub struct Mark {
    pub org: OrgId,
    /// Its reference, a tracking number.
    pub shipment: String,
    pub change: i64,
    /// Where it stands with these news, or with later ones.
    pub standing: Standing,
    /// When it is to be delivered with these news, or with later ones.
    pub expected: Option<ExpectedDelivery>,
}

/// Marks the shipments of ours among those that new events are about, in the transaction that records them; the number of the marks,
/// if there are any. Most references are not tracking numbers, and cost no more than the look at their first letters.
pub(super) async fn mark(conn: &mut PgConnection, new: &[&OwnedEvent]) -> Result<Option<i64>, sqlx::Error> {
    let ours: BTreeSet<(OrgId, &str)> = new
        .iter()
        .map(|one| (one.org, one.event.shipment.as_str()))
        .filter(|(_, shipment)| Tracking::read(shipment).is_some())
        .collect();
    write(conn, &ours.into_iter().collect::<Vec<_>>()).await
}

/// Marks these of them that are of ours.
pub(super) async fn mark_again(
    conn: &mut PgConnection,
    shipments: impl Iterator<Item = (OrgId, &str)>,
) -> Result<Option<i64>, sqlx::Error> {
    let ours: BTreeSet<_> = shipments.filter(|(_, shipment)| Tracking::read(shipment).is_some()).collect();
    write(conn, &ours.into_iter().collect::<Vec<_>>()).await
}

/// In the order of their keys, as everybody locks them.
async fn write(conn: &mut PgConnection, ours: &[(OrgId, &str)]) -> Result<Option<i64>, sqlx::Error> {
    if ours.is_empty() {
        return Ok(None);
    }
    let marked = sqlx::query_scalar!(
        "
        WITH taken AS MATERIALIZED (SELECT nextval('cargo_marks_change') AS change)
        INSERT INTO cargo_marks AS kept (org, shipment, change, due_at)
        SELECT ours.org, ours.shipment, taken.change, clock_timestamp() + interval '10 seconds'
        FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS ours (org, shipment, place)
        CROSS JOIN taken
        ORDER BY ours.place
        ON CONFLICT ON CONSTRAINT cargo_marks_pkey DO UPDATE
        SET change = EXCLUDED.change, due_at = EXCLUDED.due_at, tries = 0
        RETURNING change
        ",
        &ours.iter().map(|(org, _)| org.0).collect::<Vec<_>>(),
        &ours.iter().map(|(_, shipment)| *shipment).collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(marked.first().copied())
}

/// The marks of this number, or, without one, those that are overdue, the oldest first; at most `most`.
pub async fn marks(conn: &mut PgConnection, change: Option<i64>, most: i64) -> Result<Vec<Mark>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        (SELECT org AS "org!: OrgId", shipment AS "shipment!", change AS "change!"
         FROM cargo_marks
         WHERE change = $1
         LIMIT $2)
        UNION ALL
        (SELECT org, shipment, change
         FROM cargo_marks
         WHERE $1::bigint IS NULL
            AND due_at <= clock_timestamp()
         ORDER BY due_at
         LIMIT $2)
        "#,
        change,
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    // After the marks: it is where these news have led, or later ones.
    let shipments: Vec<_> = rows.iter().map(|row| (row.org, row.shipment.as_str())).collect();
    let standings = standings(conn, &shipments).await?;
    let expected = expected(conn, &shipments).await?;
    let marks = rows.into_iter().zip(standings).zip(expected).map(|((row, standing), expected)| Mark {
        org: row.org,
        shipment: row.shipment,
        change: row.change,
        standing,
        expected,
    });
    Ok(marks.collect())
}

/// Takes marks away that were carried over, unless there are later news.
pub async fn unmark(conn: &mut PgConnection, carried: &[&Mark]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "
        WITH carried AS (
            SELECT kept.org, kept.shipment
            FROM cargo_marks AS kept
            JOIN UNNEST($1::uuid[], $2::text[], $3::bigint[]) AS carried (org, shipment, change)
                USING (org, shipment, change)
            ORDER BY kept.org, kept.shipment
            FOR UPDATE OF kept
        )
        DELETE FROM cargo_marks AS kept
        USING carried
        WHERE kept.org = carried.org
            AND kept.shipment = carried.shipment
        ",
        &carried.iter().map(|mark| mark.org.0).collect::<Vec<_>>(),
        &carried.iter().map(|mark| mark.shipment.as_str()).collect::<Vec<_>>() as &[&str],
        &carried.iter().map(|mark| mark.change).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has a mark carried over again later: after a minute, and each time after twice as long, up to about a day.
pub async fn postpone(conn: &mut PgConnection, mark: &Mark) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "
        UPDATE cargo_marks
        SET tries = tries + 1,
            due_at = clock_timestamp() + interval '1 minute' * (2.0 ^ least(tries, 10))
        WHERE org = $1
            AND shipment = $2
            AND change = $3
        ",
        mark.org.0,
        mark.shipment,
        mark.change,
    )
    .execute(conn)
    .await?;
    Ok(())
}
