//! The log's SQL. Inserting is here; reading and rejects have files of their own.
//!
//! # How to get this wrong
//! - Inserting two concurrent batches that share events in different orders: they deadlock over the keys. Batches are sorted.
//! - Letting PostgreSQL keep the insert's plan: one made while the key table was small scans it for every event, and the
//!   table grows by millions an hour. The statement is planned for each batch (0.5 µs an event).
//! - Inserting with COPY: measured, it saves nothing, because the indexes are the cost.

mod columns;
mod read;
mod rejects;
#[cfg(test)]
mod tests;

use shared::ids::OrgId;
use sqlx::PgConnection;

use self::columns::Columns;
use super::model::OwnedEvent;

pub use read::{Cursor, MalformedCursor, Page, list, standing};
pub use rejects::{KeptReject, MAX_REJECT_BYTES, Reject, park, prune_rejects, rejects, take_reject};

/// The most times that an insert is tried while others record the same events.
const TRIES: u32 = 10;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Events that are new in the log.
    pub stored: u64,
    /// Events that it already had, or that the batch held twice.
    pub duplicates: u64,
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

/// Records events in one statement, all or none; those that the log already holds are skipped. An event is durable when
/// this returns. `conn` must not be inside a transaction: the statement is repeated when it collides with another one.
pub async fn store_events(conn: &mut PgConnection, events: &[OwnedEvent]) -> Result<Stored, StoreError> {
    let mut ordered: Vec<&OwnedEvent> = events.iter().collect();
    ordered.sort_by(|a, b| key(a).cmp(&key(b)));
    ordered.dedup_by(|a, b| key(a) == key(b));
    if ordered.is_empty() {
        return Ok(Stored::default());
    }
    let columns = Columns::of(&ordered);
    let mut tries = 0;
    loop {
        tries += 1;
        match insert(conn, &columns).await {
            Ok(stored) => return Ok(Stored { stored, duplicates: events.len() as u64 - stored }),
            Err(error) if tries < TRIES && is_recorded_meanwhile(&error) => {}
            Err(error) if tries < TRIES && is_month_missing(&error) => {
                ensure_partitions(conn, 0).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn key(owned: &OwnedEvent) -> (OrgId, &str, &str) {
    (owned.org, &owned.event.source, &owned.event.source_event_id)
}

/// Whether another transaction wrote a key after this one looked for it. It has committed: the next
/// look finds the key.
fn is_recorded_meanwhile(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some("cargo_event_keys_once"))
}

/// "No partition of relation found for row" has the code of a check violation, but no constraint.
fn is_month_missing(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("23514") && error.constraint().is_none())
}

async fn insert(conn: &mut PgConnection, columns: &Columns<'_>) -> Result<u64, sqlx::Error> {
    let inserted = sqlx::query!(
        r#"
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
        -- A scalar subquery, because it can only be answered key by key; NOT EXISTS may become a join that reads all keys.
        WHERE (
            SELECT true
            FROM cargo_event_keys AS key
            WHERE key.org = event.org
                AND key.source = event.source
                AND key.source_event_id = event.source_event_id
        ) IS NULL
        "#,
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
    .persistent(false)
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected())
}

/// Creates the partitions missing for this month and the next `months_ahead`; returns how many it
/// created. Inserts go on in the meantime.
pub async fn ensure_partitions(conn: &mut PgConnection, months_ahead: i32) -> Result<u32, sqlx::Error> {
    let made =
        sqlx::query_scalar!(r#"SELECT cargo_ensure_partitions($1) AS "made!""#, months_ahead).fetch_one(conn).await?;
    Ok(made.unsigned_abs())
}

/// How many events the log holds.
pub async fn count(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM cargo_events"#).fetch_one(conn).await?;
    Ok(count.unsigned_abs())
}
