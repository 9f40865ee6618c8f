//! Where shipments stand, kept beside the log.
//!
//! # How to get this wrong
//! - Reading a shipment's events before its row is locked: two writers would each miss what the other one adds. Rows are locked by
//!   being written, in the order of their keys, and events are read by a later statement.
//! - Adding an event that a correction took back before it came: a row says whether its shipment has corrections.
//! - Counting an event that is ahead once and never looking again: the row says when it is out of date.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::marks::mark_again;
use crate::cargo::model::{CargoEvent, EventType, OwnedEvent, Position, ShipmentStatus};
use crate::cargo::rules::tally::{Seen, Stated, Tally};
use crate::cargo::rules::{Ranked, Standing};
use crate::shipments::model::Tracking;

/// Where a shipment stands by an organisation's events: [`crate::cargo::standing`], kept. A shipment without events has an
/// empty standing.
pub async fn standing(conn: &mut PgConnection, org: OrgId, shipment: &str) -> Result<Standing, sqlx::Error> {
    Ok(standings(conn, &[(org, shipment)]).await?.pop().unwrap_or_default())
}

/// Where each of these shipments stands, in their order.
pub(super) async fn standings(
    conn: &mut PgConnection,
    shipments: &[(OrgId, &str)],
) -> Result<Vec<Standing>, sqlx::Error> {
    let mut standings = Vec::with_capacity(shipments.len());
    for (kept, (org, shipment)) in kept_of(conn, shipments).await?.into_iter().zip(shipments) {
        standings.push(match kept {
            None => Standing::default(),
            Some(kept) if kept.due => rank(conn, *org, shipment, &kept).await?.tally.standing(),
            Some(kept) => kept.tally.standing(),
        });
    }
    Ok(standings)
}

/// What is written of a shipment.
struct Kept {
    tally: Tally,
    /// Whether an event that was ahead counts by now.
    due: bool,
    /// Whether a part of its events is not in the log any more: then what they added up to stays, and can no longer be taken back.
    archived: bool,
}

async fn kept(conn: &mut PgConnection, org: OrgId, shipment: &str) -> Result<Option<Kept>, sqlx::Error> {
    Ok(kept_of(conn, &[(org, shipment)]).await?.pop().flatten())
}

/// What is written of each of these shipments, in their order.
async fn kept_of(conn: &mut PgConnection, shipments: &[(OrgId, &str)]) -> Result<Vec<Option<Kept>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            kept.org IS NOT NULL AS "found!", kept.status AS "status?: ShipmentStatus", kept.status_at AS "status_at?",
            kept.status_sequence AS "status_sequence?", kept.delivered_at AS "delivered_at?", kept.returned_at AS "returned_at?",
            kept.cancelled_at AS "cancelled_at?", kept.moved_at AS "moved_at?", kept.latitude AS "latitude?",
            kept.longitude AS "longitude?", kept.seen_at AS "seen_at?", kept.seen_sequence AS "seen_sequence?",
            coalesce(kept.next_at <= clock_timestamp(), false) AS "due!", coalesce(kept.archived, false) AS "archived!"
        FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (org, shipment, place)
        LEFT JOIN cargo_standings AS kept ON kept.org = asked.org AND kept.shipment = asked.shipment
        ORDER BY asked.place
        "#,
        &shipments.iter().map(|(org, _)| org.0).collect::<Vec<_>>(),
        &shipments.iter().map(|(_, shipment)| *shipment).collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let kept = rows.into_iter().map(|row| {
        let latest = row.status.zip(row.status_at).zip(row.status_sequence);
        let place = row.latitude.zip(row.longitude).map(|(latitude, longitude)| Position { latitude, longitude });
        let seen = place.zip(row.seen_at).zip(row.seen_sequence);
        let tally = Tally {
            latest: latest.map(|((status, at), sequence)| Stated { at, sequence, status }),
            delivered_at: row.delivered_at,
            returned_at: row.returned_at,
            cancelled_at: row.cancelled_at,
            moved_at: row.moved_at,
            seen: seen.map(|((position, at), sequence)| Seen { at, sequence, position }),
        };
        row.found.then_some(Kept { tally, due: row.due, archived: row.archived })
    });
    Ok(kept.collect())
}

/// Ranks shipments anew whose waiting events have begun to count, at most `most`; returns how many. Those that are just being
/// written are left to the next run.
pub async fn rank_due(conn: &mut PgConnection, most: i64) -> Result<u64, sqlx::Error> {
    let mut tx = conn.begin().await?;
    let due = sqlx::query!(
        r#"
        SELECT org AS "org: OrgId", shipment
        FROM cargo_standings
        WHERE next_at <= clock_timestamp()
        ORDER BY next_at
        LIMIT $1
        FOR NO KEY UPDATE SKIP LOCKED
        "#,
        most,
    )
    .fetch_all(&mut *tx)
    .await?;
    for one in &due {
        rewrite(&mut tx, one.org, &one.shipment).await?;
    }
    mark_again(&mut tx, due.iter().map(|one| (one.org, one.shipment.as_str()))).await?;
    tx.commit().await?;
    Ok(due.len() as u64)
}

/// Adds events that the transaction has just recorded to what is known of their shipments; `now` is a moment of the database's clock
/// within it.
pub(super) async fn add(conn: &mut PgConnection, new: &[&OwnedEvent], now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut added: BTreeMap<(OrgId, &str), Ranked> = BTreeMap::new();
    for OwnedEvent { org, event } in new {
        // A plan adds nothing; the row of a shipment of ours is locked, so that the numbers of marks are in the order of what is expected.
        if event.kind == EventType::Actual || event.corrects.is_some() || Tracking::read(&event.shipment).is_some() {
            added.entry((*org, event.shipment.as_str())).or_default().add(event, now);
        }
    }
    if added.is_empty() {
        return Ok(());
    }
    let corrected = write(conn, &Columns::of(added.into_iter())).await?;
    if corrected.is_empty() {
        return Ok(());
    }
    for (org, shipment) in affected(conn, new, &corrected).await? {
        rewrite(conn, org, &shipment).await?;
    }
    Ok(())
}

/// Which of the shipments with corrections the new events change otherwise than by being added: they correct, or are corrected.
async fn affected(
    conn: &mut PgConnection,
    new: &[&OwnedEvent],
    corrected: &[(OrgId, String)],
) -> Result<BTreeSet<(OrgId, String)>, sqlx::Error> {
    let known: BTreeSet<(OrgId, &str)> = corrected.iter().map(|(org, shipment)| (*org, shipment.as_str())).collect();
    let new: Vec<&&OwnedEvent> =
        new.iter().filter(|one| known.contains(&(one.org, one.event.shipment.as_str()))).collect();
    let (correct, plain): (Vec<&OwnedEvent>, Vec<&OwnedEvent>) =
        new.into_iter().partition(|one| one.event.corrects.is_some());
    let taken_back = sqlx::query!(
        r#"
        SELECT DISTINCT event.org AS "org!: OrgId", event.shipment AS "shipment!"
        FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[]) AS event (org, shipment, source, source_event_id)
        WHERE (
            SELECT true
            FROM cargo_events AS correction
            WHERE correction.org = event.org
                AND correction.shipment = event.shipment
                AND correction.source = event.source
                AND correction.corrects = event.source_event_id
            LIMIT 1
        )
        "#,
        &plain.iter().map(|one| one.org.0).collect::<Vec<_>>(),
        &plain.iter().map(|one| one.event.shipment.as_str()).collect::<Vec<_>>() as &[&str],
        &plain.iter().map(|one| one.event.source.as_str()).collect::<Vec<_>>() as &[&str],
        &plain.iter().map(|one| one.event.source_event_id.as_str()).collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let correct = correct.into_iter().map(|one| (one.org, one.event.shipment.clone()));
    Ok(taken_back.into_iter().map(|row| (row.org, row.shipment)).chain(correct).collect())
}

/// Writes what a shipment's events add up to, whatever was there; the row is locked.
async fn rewrite(conn: &mut PgConnection, org: OrgId, shipment: &str) -> Result<(), sqlx::Error> {
    let kept = kept(conn, org, shipment).await?.ok_or(sqlx::Error::RowNotFound)?;
    let ranked = rank(conn, org, shipment, &kept).await?;
    let columns = Columns::of([((org, shipment), ranked)].into_iter());
    let written = sqlx::query!(
        "
        UPDATE cargo_standings
        SET status = $3::text::cargo_status, status_at = $4, status_sequence = $5,
            delivered_at = $6, returned_at = $7, cancelled_at = $8, moved_at = $9,
            latitude = $10, longitude = $11, seen_at = $12, seen_sequence = $13,
            next_at = $14, corrected = $15
        WHERE org = $1
            AND shipment = $2
        ",
        org.0,
        shipment,
        columns.status[0],
        columns.status_at[0],
        columns.status_sequence[0],
        columns.delivered_at[0],
        columns.returned_at[0],
        columns.cancelled_at[0],
        columns.moved_at[0],
        columns.latitude[0],
        columns.longitude[0],
        columns.seen_at[0],
        columns.seen_sequence[0],
        columns.next_at[0],
        columns.corrected[0],
    )
    .execute(conn)
    .await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Ranks a shipment's events as the log has them, and as far as they are archived, as they are kept.
async fn rank(conn: &mut PgConnection, org: OrgId, shipment: &str, kept: &Kept) -> Result<Ranked, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            source, source_event_id, sequence, type AS "kind: EventType", status AS "status: ShipmentStatus",
            occurred_at, latitude, longitude, corrects, clock_timestamp() AS "now!"
        FROM cargo_events
        WHERE org = $1
            AND shipment = $2
        ORDER BY id
        "#,
        org.0,
        shipment,
    )
    .fetch_all(conn)
    .await?;
    let now = rows.first().map(|row| row.now).unwrap_or_default();
    let events: Vec<CargoEvent> = rows
        .into_iter()
        .map(|row| CargoEvent {
            source: row.source,
            source_event_id: row.source_event_id,
            sequence: row.sequence,
            shipment: shipment.to_owned(),
            kind: row.kind,
            status: row.status,
            occurred_at: row.occurred_at,
            position: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Position { latitude, longitude }),
            corrects: row.corrects,
            payload: None,
        })
        .collect();
    let mut ranked = Ranked::of(&events.iter().collect::<Vec<_>>(), now);
    if kept.archived {
        ranked.tally.merge(&kept.tally);
    }
    Ok(ranked)
}

/// One array per column, in the order of the keys.
#[derive(Default)]
struct Columns<'a> {
    org: Vec<Uuid>,
    shipment: Vec<&'a str>,
    status: Vec<Option<&'static str>>,
    status_at: Vec<Option<DateTime<Utc>>>,
    status_sequence: Vec<Option<i64>>,
    delivered_at: Vec<Option<DateTime<Utc>>>,
    returned_at: Vec<Option<DateTime<Utc>>>,
    cancelled_at: Vec<Option<DateTime<Utc>>>,
    moved_at: Vec<Option<DateTime<Utc>>>,
    latitude: Vec<Option<f64>>,
    longitude: Vec<Option<f64>>,
    seen_at: Vec<Option<DateTime<Utc>>>,
    seen_sequence: Vec<Option<i64>>,
    next_at: Vec<Option<DateTime<Utc>>>,
    corrected: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn of(rows: impl Iterator<Item = ((OrgId, &'a str), Ranked)>) -> Self {
        let mut columns = Self::default();
        for ((org, shipment), Ranked { tally, next_at, corrected }) in rows {
            columns.org.push(org.0);
            columns.shipment.push(shipment);
            columns.status.push(tally.latest.map(|latest| latest.status.name()));
            columns.status_at.push(tally.latest.map(|latest| latest.at));
            columns.status_sequence.push(tally.latest.map(|latest| latest.sequence));
            columns.delivered_at.push(tally.delivered_at);
            columns.returned_at.push(tally.returned_at);
            columns.cancelled_at.push(tally.cancelled_at);
            columns.moved_at.push(tally.moved_at);
            columns.latitude.push(tally.seen.map(|seen| seen.position.latitude));
            columns.longitude.push(tally.seen.map(|seen| seen.position.longitude));
            columns.seen_at.push(tally.seen.map(|seen| seen.at));
            columns.seen_sequence.push(tally.seen.map(|seen| seen.sequence));
            columns.next_at.push(next_at);
            columns.corrected.push(corrected);
        }
        columns
    }
}

/// Adds to the rows as [`Tally`] adds events, and locks them; returns those whose shipments have corrections.
async fn write(conn: &mut PgConnection, columns: &Columns<'_>) -> Result<Vec<(OrgId, String)>, sqlx::Error> {
    let corrected = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO cargo_standings AS kept (
                org, shipment, status, status_at, status_sequence, delivered_at, returned_at, cancelled_at, moved_at,
                latitude, longitude, seen_at, seen_sequence, next_at, corrected
            )
            SELECT
                org, shipment, status::cargo_status, status_at, status_sequence, delivered_at, returned_at, cancelled_at, moved_at,
                latitude, longitude, seen_at, seen_sequence, next_at, corrected
            FROM UNNEST(
                $1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[],
                $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
                $10::float8[], $11::float8[], $12::timestamptz[], $13::bigint[], $14::timestamptz[], $15::boolean[]
            ) AS added (
                org, shipment, status, status_at, status_sequence, delivered_at, returned_at, cancelled_at, moved_at,
                latitude, longitude, seen_at, seen_sequence, next_at, corrected
            )
            ON CONFLICT ON CONSTRAINT cargo_standings_pkey DO UPDATE
            SET
                status = CASE
                    WHEN kept.status IS NULL
                        OR (EXCLUDED.status_at, EXCLUDED.status_sequence, EXCLUDED.status)
                            > (kept.status_at, kept.status_sequence, kept.status)
                    THEN EXCLUDED.status
                    ELSE kept.status
                END,
                status_at = CASE
                    WHEN kept.status IS NULL
                        OR (EXCLUDED.status_at, EXCLUDED.status_sequence, EXCLUDED.status)
                            > (kept.status_at, kept.status_sequence, kept.status)
                    THEN EXCLUDED.status_at
                    ELSE kept.status_at
                END,
                status_sequence = CASE
                    WHEN kept.status IS NULL
                        OR (EXCLUDED.status_at, EXCLUDED.status_sequence, EXCLUDED.status)
                            > (kept.status_at, kept.status_sequence, kept.status)
                    THEN EXCLUDED.status_sequence
                    ELSE kept.status_sequence
                END,
                latitude = CASE
                    WHEN kept.seen_at IS NULL
                        OR (EXCLUDED.seen_at, EXCLUDED.seen_sequence, EXCLUDED.latitude, EXCLUDED.longitude)
                            > (kept.seen_at, kept.seen_sequence, kept.latitude, kept.longitude)
                    THEN EXCLUDED.latitude
                    ELSE kept.latitude
                END,
                longitude = CASE
                    WHEN kept.seen_at IS NULL
                        OR (EXCLUDED.seen_at, EXCLUDED.seen_sequence, EXCLUDED.latitude, EXCLUDED.longitude)
                            > (kept.seen_at, kept.seen_sequence, kept.latitude, kept.longitude)
                    THEN EXCLUDED.longitude
                    ELSE kept.longitude
                END,
                seen_at = CASE
                    WHEN kept.seen_at IS NULL
                        OR (EXCLUDED.seen_at, EXCLUDED.seen_sequence, EXCLUDED.latitude, EXCLUDED.longitude)
                            > (kept.seen_at, kept.seen_sequence, kept.latitude, kept.longitude)
                    THEN EXCLUDED.seen_at
                    ELSE kept.seen_at
                END,
                seen_sequence = CASE
                    WHEN kept.seen_at IS NULL
                        OR (EXCLUDED.seen_at, EXCLUDED.seen_sequence, EXCLUDED.latitude, EXCLUDED.longitude)
                            > (kept.seen_at, kept.seen_sequence, kept.latitude, kept.longitude)
                    THEN EXCLUDED.seen_sequence
                    ELSE kept.seen_sequence
                END,
                delivered_at = LEAST(kept.delivered_at, EXCLUDED.delivered_at),
                returned_at = LEAST(kept.returned_at, EXCLUDED.returned_at),
                cancelled_at = LEAST(kept.cancelled_at, EXCLUDED.cancelled_at),
                moved_at = LEAST(kept.moved_at, EXCLUDED.moved_at),
                next_at = LEAST(kept.next_at, EXCLUDED.next_at),
                corrected = kept.corrected OR EXCLUDED.corrected
            RETURNING kept.org, kept.shipment, kept.corrected
        )
        SELECT org AS "org!: OrgId", shipment AS "shipment!"
        FROM written
        WHERE corrected
        "#,
        &columns.org,
        &columns.shipment as &[&str],
        &columns.status as &[Option<&str>],
        &columns.status_at as &[Option<DateTime<Utc>>],
        &columns.status_sequence as &[Option<i64>],
        &columns.delivered_at as &[Option<DateTime<Utc>>],
        &columns.returned_at as &[Option<DateTime<Utc>>],
        &columns.cancelled_at as &[Option<DateTime<Utc>>],
        &columns.moved_at as &[Option<DateTime<Utc>>],
        &columns.latitude as &[Option<f64>],
        &columns.longitude as &[Option<f64>],
        &columns.seen_at as &[Option<DateTime<Utc>>],
        &columns.seen_sequence as &[Option<i64>],
        &columns.next_at as &[Option<DateTime<Utc>>],
        &columns.corrected,
    )
    .fetch_all(conn)
    .await?;
    Ok(corrected.into_iter().map(|row| (row.org, row.shipment)).collect())
}
