//! The log's SQL. Inserting is here; reading, rejects, archived months, marks and where shipments stand have
//! files of their own.
//!
//! # How to get this wrong
//! - Inserting two concurrent batches that share events in different orders: they deadlock over the keys. Batches are sorted, and
//!   every transaction writes keys first, then where shipments stand and then marks, each in the order of their keys.
//! - Letting PostgreSQL choose the plan of the look at the keys: one made while a table was small scans it for every event, and
//!   it grows by millions an hour. The functions that look forbid it.
//! - Inserting with COPY: measured, it saves nothing, because the indexes are the cost.

mod archive;
mod columns;
mod expected;
mod marks;
mod read;
mod rejects;
mod standings;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::{Connection, PgConnection};

use self::columns::Columns;
use super::model::OwnedEvent;

pub use archive::{ARCHIVED_COLUMNS, ArchivePart, archived, copy_month, drop_month, list_archived, months_before};
pub use expected::ExpectedDelivery;
pub use marks::{Mark, marks, postpone, unmark};
pub use read::{Cursor, MalformedCursor, Page, list};
pub use rejects::{
    KeptReject, MAX_REJECT_BYTES, Reject, RejectedMessage, drop_reject, get_reject, keep_parked, page_rejects, park,
    parked_rejects, prune_rejects,
};
pub use standings::{rank_due, standing};

/// The most times that an insert is tried while others record the same events.
const TRIES: u32 = 10;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Events that are new in the log.
    pub stored: u64,
    /// Events that it already had, or that the batch held twice.
    pub duplicates: u64,
    /// The number of the [marks](Mark) that they have left on shipments of ours, if there are any. Whoever stores events hands them
    /// over; what is not handed over is found later.
    pub change: Option<i64>,
}

/// Why a batch was not stored. None of it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A value is at fault: the same batch will be refused again.
    #[error("an event was refused: {0}")]
    Refused(#[source] sqlx::Error),
    /// The database is at fault: the same batch can be stored later.
    #[error("the event store did not answer: {0}")]
    Unavailable(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        // Data exception, integrity violation, program limit exceeded.
        let refused = code.as_deref().is_some_and(|code| ["22", "23", "54"].contains(&&code[..2]))
            || matches!(error, sqlx::Error::Encode(_));
        if refused { Self::Refused(error) } else { Self::Unavailable(error) }
    }
}

/// Records events and what they change of where shipments stand, all or none; those that the log already holds are skipped.
/// Events are durable when this returns. `conn` must not be inside a transaction: this one is repeated when it collides with
/// another one.
pub async fn store_events(conn: &mut PgConnection, events: &[OwnedEvent]) -> Result<Stored, StoreError> {
    let mut ordered: Vec<&OwnedEvent> = events.iter().collect();
    ordered.sort_by(|a, b| key(a).cmp(&key(b)));
    ordered.dedup_by(|a, b| key(a) == key(b));
    if ordered.is_empty() {
        return Ok(Stored::default());
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match record(conn, &ordered).await {
            Ok((stored, change)) => {
                return Ok(Stored { stored, duplicates: events.len() as u64 - stored, change });
            }
            Err(error) if tries < TRIES && is_recorded_meanwhile(&error) => {}
            Err(error) if tries < TRIES && is_month_missing(&error) => {
                ensure_partitions(conn, 0).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn record(conn: &mut PgConnection, events: &[&OwnedEvent]) -> Result<(u64, Option<i64>), sqlx::Error> {
    let mut tx = conn.begin().await?;
    let Known { now, places } = known(&mut tx, events).await?;
    let mut known = places.into_iter().peekable();
    let mut new = Vec::with_capacity(events.len());
    for (place, event) in (1_i64..).zip(events) {
        if known.next_if_eq(&place).is_none() {
            new.push(*event);
        }
    }
    let mut change = None;
    if !new.is_empty() {
        let inserted = insert(&mut tx, &Columns::of(&new)).await?;
        debug_assert_eq!(inserted, new.len() as u64);
        standings::add(&mut tx, &new, now).await?;
        change = marks::mark(&mut tx, &new).await?;
    }
    tx.commit().await?;
    Ok((new.len() as u64, change))
}

fn key(owned: &OwnedEvent) -> (OrgId, &str, &str) {
    (owned.org, &owned.event.source, &owned.event.source_event_id)
}

/// Whether another transaction wrote a key after this one looked for it. It has committed: the next
/// look finds the key. Each year of keys has a constraint of its own.
fn is_recorded_meanwhile(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
    constraint.is_some_and(|name| name.starts_with("cargo_event_keys_"))
}

/// "No partition of relation found for row" has the code of a check violation, but no constraint.
fn is_month_missing(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("23514") && error.constraint().is_none())
}

/// What the log knows of a batch.
struct Known {
    /// By the database's clock.
    now: DateTime<Utc>,
    /// The places of the events that it holds, counted from one, in order.
    places: Vec<i64>,
}

async fn known(conn: &mut PgConnection, events: &[&OwnedEvent]) -> Result<Known, sqlx::Error> {
    sqlx::query_as!(
        Known,
        r#"SELECT clock_timestamp() AS "now!", cargo_known($1, $2, $3) AS "places!""#,
        &events.iter().map(|one| one.org.0).collect::<Vec<_>>(),
        &events.iter().map(|one| one.event.source.as_str()).collect::<Vec<_>>() as &[&str],
        &events.iter().map(|one| one.event.source_event_id.as_str()).collect::<Vec<_>>() as &[&str],
    )
    .fetch_one(conn)
    .await
}

async fn insert(conn: &mut PgConnection, columns: &Columns<'_>) -> Result<u64, sqlx::Error> {
    let inserted = sqlx::query!(
        "
        INSERT INTO cargo_events (
            org, source, source_event_id, sequence, shipment, type, status,
            occurred_at, latitude, longitude, corrects, payload
        )
        SELECT
            org, source, source_event_id, sequence, shipment, type::cargo_event_type, status::cargo_status,
            occurred_at, latitude, longitude, corrects, payload::jsonb
        FROM UNNEST(
            $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::float8[], $10::float8[], $11::text[], $12::text[]
        ) AS event (
            org, source, source_event_id, sequence, shipment, type, status,
            occurred_at, latitude, longitude, corrects, payload
        )
        ",
        &columns.org,
        &columns.source as &[&str],
        &columns.source_event_id as &[&str],
        &columns.sequence,
        &columns.shipment as &[&str],
        &columns.kind as &[&str],
        &columns.status as &[Option<&str>],
        &columns.occurred_at,
        &columns.latitude as &[Option<f64>],
        &columns.longitude as &[Option<f64>],
        &columns.corrects as &[Option<&str>],
        &columns.payload as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected())
}

/// Creates the partitions missing for this month and the next `months_ahead`, and those of the keys; returns how many months it
/// created. Inserts go on in the meantime.
pub async fn ensure_partitions(conn: &mut PgConnection, months_ahead: i32) -> Result<u32, sqlx::Error> {
    let made =
        sqlx::query_scalar!(r#"SELECT cargo_ensure_partitions($1) AS "made!""#, months_ahead).fetch_one(conn).await?;
    Ok(made.unsigned_abs())
}

/// Drops the keys of years that ended more than `days` ago, but never those of the last year; returns how many years. An event of which
/// the key is gone is taken for a new one.
pub async fn drop_keys(conn: &mut PgConnection, days: i32) -> Result<u32, sqlx::Error> {
    let dropped = sqlx::query_scalar!(r#"SELECT cargo_drop_keys($1) AS "dropped!""#, days).fetch_one(conn).await?;
    Ok(dropped.unsigned_abs())
}

/// How many events the log holds.
pub async fn count(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM cargo_events"#).fetch_one(conn).await?;
    Ok(count.unsigned_abs())
}
