//! What is heard of shipments, and for how long nothing was.
//!
//! # How to get this wrong
//! - Judging without the shipment's lock whether it must move: another one may be about to move it by older news.
//! - Writing traces of several shipments without the locks of their shipments: a shipment that changes writes its own.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::read::find;
use crate::cargo::ShipmentStatus;
use crate::cargo::store::Mark;
use crate::ids::ShipmentId;
use crate::shipments::model::Shipment;
use crate::shipments::rules::follow::{Step, judge};

/// Notes that the shipments of these marks were heard of, where they were last seen and when they are to be delivered. Returns the marks
/// whose shipments are not where the log says; each of them is to [follow](super::follow). References that are no shipment of their
/// organisation are passed over, and so is what has ended. Needs a transaction.
pub async fn hear<'a>(conn: &mut PgConnection, marks: &'a [Mark]) -> Result<Vec<&'a Mark>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        SELECT
            s.id, s.status AS "status: ShipmentStatus", s.acted_at, ours.place AS "place!"
        FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS ours (org, tracking, place)
        JOIN shipments AS s
            ON s.tracking = ours.tracking
            AND s.org_id = ours.org
            AND s.ended_at IS NULL
        ORDER BY s.id
        FOR NO KEY UPDATE OF s
        "#,
        &marks.iter().map(|mark| mark.org.0).collect::<Vec<_>>(),
        &marks.iter().map(|mark| mark.shipment.as_str()).collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut heard: Vec<(Uuid, &Mark)> = Vec::with_capacity(found.len());
    let mut behind = Vec::new();
    for row in found {
        let Some(mark) = usize::try_from(row.place - 1).ok().and_then(|place| marks.get(place)) else { continue };
        heard.push((row.id, mark));
        if judge(row.status, row.acted_at, &mark.standing) != Step::Nothing {
            behind.push(mark);
        }
    }
    note(conn, &heard).await?;
    Ok(behind)
}

/// Keeps what is later than what is there.
async fn note(conn: &mut PgConnection, heard: &[(Uuid, &Mark)]) -> Result<(), sqlx::Error> {
    let seen = |mark: &Mark| mark.standing.position.zip(mark.standing.seen_at);
    sqlx::query!(
        "
        UPDATE shipment_traces AS kept
        SET seq = seq + 1,
            heard_at = clock_timestamp(),
            stalled_at = NULL,
            heard_change = heard.change,
            latitude = heard.latitude,
            longitude = heard.longitude,
            seen_at = heard.seen_at,
            expected_at = heard.expected_at,
            expected_type = heard.expected_type::cargo_event_type,
            expected_reported_at = heard.expected_reported_at
        FROM UNNEST($1::uuid[], $2::bigint[], $3::float8[], $4::float8[], $5::timestamptz[], $6::timestamptz[], $7::text[],
                $8::timestamptz[])
            AS heard (shipment_id, change, latitude, longitude, seen_at, expected_at, expected_type, expected_reported_at)
        WHERE kept.shipment_id = heard.shipment_id
            AND kept.heard_change < heard.change
        ",
        &heard.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &heard.iter().map(|(_, mark)| mark.change).collect::<Vec<_>>(),
        &heard.iter().map(|(_, mark)| seen(mark).map(|(place, _)| place.latitude)).collect::<Vec<_>>()
            as &[Option<f64>],
        &heard.iter().map(|(_, mark)| seen(mark).map(|(place, _)| place.longitude)).collect::<Vec<_>>()
            as &[Option<f64>],
        &heard.iter().map(|(_, mark)| seen(mark).map(|(_, at)| at)).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &heard.iter().map(|(_, mark)| mark.expected.map(|it| it.at)).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &heard.iter().map(|(_, mark)| mark.expected.map(|it| it.basis.name())).collect::<Vec<_>>() as &[Option<&str>],
        &heard.iter().map(|(_, mark)| mark.expected.map(|it| it.reported_at)).collect::<Vec<_>>()
            as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that shipments on their way are silent of which nothing was heard for so many hours, at most `most`; returns them, each once in
/// a silence. Needs a transaction.
pub async fn stall(conn: &mut PgConnection, hours: u16, most: i64) -> Result<Vec<Shipment>, sqlx::Error> {
    let silent = sqlx::query_scalar!(
        r#"
        UPDATE shipment_traces
        SET seq = seq + 1,
            stalled_at = clock_timestamp()
        WHERE shipment_id IN (
            SELECT shipment_id
            FROM shipment_traces
            WHERE moving
                AND stalled_at IS NULL
                AND heard_at < clock_timestamp() - make_interval(hours => $1)
            ORDER BY heard_at
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        RETURNING shipment_id AS "id: ShipmentId"
        "#,
        i32::from(hours),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut shipments = Vec::with_capacity(silent.len());
    for id in silent {
        shipments.extend(find(conn, id).await?);
    }
    Ok(shipments)
}

/// How far a shipment has come, as its subscribers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub tracking: String,
    /// Counts what happens to it.
    pub seq: i64,
    /// Counts changes of the shipment itself.
    pub version: i64,
    pub stalled: bool,
}

/// How far the shipments of these numbers have come.
pub async fn progress(conn: &mut PgConnection, numbers: &[String]) -> Result<Vec<Progress>, sqlx::Error> {
    sqlx::query_as!(
        Progress,
        r#"
        SELECT s.tracking, t.seq, s.version, t.stalled_at IS NOT NULL AS "stalled!"
        FROM shipments AS s
        JOIN shipment_traces AS t ON t.shipment_id = s.id
        WHERE s.tracking = ANY ($1)
        "#,
        numbers,
    )
    .fetch_all(conn)
    .await
}
