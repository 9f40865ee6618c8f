//! The SQL of EPCIS events. Capturing is here; finding has a file of its own.
//!
//! # How to get this wrong
//! - Looking for duplicates and then inserting without a second look: of two captures at once both find nothing. The key decides, and
//!   whoever loses looks again.
//! - Inserting two captures' keys in different orders: they deadlock. Events are sorted.

mod find;
mod known;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, Postgres, Transaction};

use super::model::{Capture, CaptureId, ErrorBehaviour, Fault, NewEvent, Outcome, Verdict};

pub use find::{corrections, find, get};
pub use known::{biz_steps, epcs};

/// The most times that a capture is tried while others record the same events.
const TRIES: u32 = 10;
/// How long is known what became of a capture's events, in days.
pub const KEEP_CAPTURES_DAYS: i32 = 90;

/// Why nothing was captured or read.
#[derive(Debug, thiserror::Error)]
pub enum EpcisError {
    #[error("no such capture")]
    NotFound,
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// What somebody captures.
#[derive(Clone, Copy, Debug)]
pub struct NewCapture<'a> {
    pub id: CaptureId,
    pub org: OrgId,
    pub error_behaviour: ErrorBehaviour,
    pub judged: &'a [Result<NewEvent, Vec<Fault>>],
}

impl NewCapture<'_> {
    /// Whether none of its events is to be recorded.
    #[must_use]
    pub fn is_rolled_back(&self) -> bool {
        self.error_behaviour == ErrorBehaviour::Rollback && self.judged.iter().any(Result::is_err)
    }

    /// What becomes of each event when these are new.
    fn verdicts(&self, mut recorded: BTreeSet<(String, bool)>) -> Vec<Verdict> {
        let rolled_back = self.is_rolled_back();
        let mut outcome = |new: &NewEvent| {
            // The first of several is the one that was recorded.
            match recorded.remove(&(new.event_id.clone(), new.declares_error)) {
                _ if rolled_back => Outcome::RolledBack,
                true => Outcome::Accepted,
                false => Outcome::Duplicate,
            }
        };
        let verdict = |(index, one): (u32, &Result<NewEvent, Vec<Fault>>)| match one {
            Ok(new) => {
                let shipment = new.cargo.as_ref().filter(|_| !rolled_back).map(|cargo| cargo.shipment.clone());
                let event_id = Some(new.event_id.clone());
                Verdict { index, outcome: outcome(new), event_id, shipment, faults: Vec::new() }
            }
            Err(faults) => {
                Verdict { index, outcome: Outcome::Rejected, event_id: None, shipment: None, faults: faults.clone() }
            }
        };
        (0..).zip(self.judged).map(verdict).collect()
    }
}

/// Records the events that are fit and what became of each: everything or nothing. `conn` must not be inside a transaction,
/// which is repeated when it collides with another one.
pub async fn capture(conn: &mut PgConnection, new: NewCapture<'_>) -> Result<Capture, sqlx::Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(conn, new).await {
            Err(error) if tries < TRIES && is_recorded_meanwhile(&error) => {}
            Err(error) if tries < TRIES && is_month_missing(&error) => {
                ensure_partitions(conn, 0).await?;
            }
            done => return done,
        }
    }
}

async fn attempt(conn: &mut PgConnection, new: NewCapture<'_>) -> Result<Capture, sqlx::Error> {
    let fit = new.judged.iter().filter_map(|one| one.as_ref().ok()).filter(|_| !new.is_rolled_back());
    let mut tx = conn.begin().await?;
    let recorded = insert(&mut tx, new.org, &fit.collect::<Vec<_>>()).await?;
    let verdicts = new.verdicts(recorded);
    let row = sqlx::query!(
        r#"
        INSERT INTO cargo_epcis_captures (id, org, error_behaviour, verdicts)
        VALUES ($1, $2, $3, $4)
        RETURNING created_at, finished_at
        "#,
        new.id.0,
        new.org.0,
        new.error_behaviour as ErrorBehaviour,
        Json(&verdicts) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    let NewCapture { id, org, error_behaviour, .. } = new;
    Ok(Capture { id, org, created_at: row.created_at, finished_at: row.finished_at, error_behaviour, verdicts })
}

/// Records one event; `false`: one of its id is there already.
pub async fn record(conn: &mut PgConnection, org: OrgId, new: &NewEvent) -> Result<bool, sqlx::Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut tx = conn.begin().await?;
        match insert(&mut tx, org, &[new]).await {
            Ok(recorded) => {
                tx.commit().await?;
                return Ok(!recorded.is_empty());
            }
            Err(error) if tries < TRIES && is_recorded_meanwhile(&error) => tx.rollback().await?,
            Err(error) if tries < TRIES && is_month_missing(&error) => {
                tx.rollback().await?;
                ensure_partitions(conn, 0).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether another transaction wrote a key after this one looked for it. It has committed: the next look finds the key.
fn is_recorded_meanwhile(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some("cargo_epcis_keys_once"))
}

/// "No partition of relation found for row" has the code of a check violation, but no constraint.
fn is_month_missing(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("23514") && error.constraint().is_none())
}

/// Records events and where their EPCs are, in one statement; returns the names of those that are new.
async fn insert(
    tx: &mut Transaction<'_, Postgres>,
    org: OrgId,
    events: &[&NewEvent],
) -> Result<BTreeSet<(String, bool)>, sqlx::Error> {
    let mut ordered = events.to_vec();
    ordered.sort_by_key(|event| (&event.event_id, event.declares_error));
    ordered.dedup_by_key(|event| (&event.event_id, event.declares_error));
    if ordered.is_empty() {
        return Ok(BTreeSet::new());
    }
    // A plan made while the key table was small would scan it for every event.
    sqlx::raw_sql("SET LOCAL plan_cache_mode = force_custom_plan").execute(&mut **tx).await?;
    let texts = |of: fn(&NewEvent) -> &str| ordered.iter().map(|event| of(event)).collect::<Vec<_>>();
    let maybe = |of: fn(&NewEvent) -> Option<&str>| ordered.iter().map(|event| of(event)).collect::<Vec<_>>();
    let declares: Vec<bool> = ordered.iter().map(|event| event.declares_error).collect();
    let times: Vec<DateTime<Utc>> = ordered.iter().map(|event| event.event_time).collect();
    // Arrays of arrays would have to be of one length.
    let corrective: Vec<String> =
        ordered.iter().map(|event| serde_json::Value::from(event.corrective_ids.clone()).to_string()).collect();
    let epcs = || {
        let numbered = ordered.iter().zip(1_i64..);
        numbered
            .flat_map(|(event, number)| event.epcs.iter().map(move |(role, epc)| (number, role.name(), epc.as_str())))
    };
    let rows = sqlx::query!(
        r#"
        WITH given AS (
            SELECT *
            FROM UNNEST(
                $2::text[], $3::bool[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::text[], $13::text[]
            ) WITH ORDINALITY AS event (
                event_id, declares_error, type, action, event_time, biz_step, disposition, read_point, biz_location,
                corrective_ids, event, changes, number
            )
        ),
        recorded AS (
            INSERT INTO cargo_epcis_events (
                org, event_id, declares_error, type, action, event_time, biz_step, disposition, read_point, biz_location,
                corrective_ids, event
            )
            SELECT
                $1, event_id, declares_error, type::cargo_epcis_type, action::cargo_epcis_action, event_time, biz_step,
                disposition, read_point, biz_location, ARRAY(SELECT jsonb_array_elements_text(corrective_ids::jsonb)),
                event::jsonb || changes::jsonb
            FROM given
            -- A scalar subquery, because it can only be answered key by key.
            WHERE (
                SELECT true
                FROM cargo_epcis_keys AS key
                WHERE key.org = $1
                    AND key.event_id = given.event_id
                    AND key.declares_error = given.declares_error
            ) IS NULL
            ORDER BY number
            RETURNING id, recorded_at, event_id, declares_error
        ),
        placed AS (
            INSERT INTO cargo_epcis_epcs (event, recorded_at, org, role, epc)
            SELECT recorded.id, recorded.recorded_at, $1, found.role::cargo_epcis_role, found.epc
            FROM recorded
            JOIN given USING (event_id, declares_error)
            JOIN UNNEST($14::bigint[], $15::text[], $16::text[]) AS found (number, role, epc) ON found.number = given.number
        )
        SELECT event_id AS "event_id!", declares_error AS "declares_error!"
        FROM recorded
        "#,
        org.0,
        &texts(|event| &event.event_id) as &[&str],
        &declares,
        &texts(|event| event.kind.name()) as &[&str],
        &maybe(|event| event.action.as_deref()) as &[Option<&str>],
        &times,
        &maybe(|event| event.biz_step.as_deref()) as &[Option<&str>],
        &maybe(|event| event.disposition.as_deref()) as &[Option<&str>],
        &maybe(|event| event.read_point.as_deref()) as &[Option<&str>],
        &maybe(|event| event.biz_location.as_deref()) as &[Option<&str>],
        &corrective,
        &texts(|event| event.raw.get()) as &[&str],
        &texts(|event| &event.changes) as &[&str],
        &epcs().map(|(number, ..)| number).collect::<Vec<_>>(),
        &epcs().map(|(_, role, _)| role).collect::<Vec<_>>() as &[&str],
        &epcs().map(|(.., epc)| epc).collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.event_id, row.declares_error)).collect())
}

/// A capture, as long as it is kept.
pub async fn get_capture(conn: &mut PgConnection, id: CaptureId) -> Result<Capture, EpcisError> {
    let row = sqlx::query!(
        r#"
        SELECT
            org, created_at, finished_at, error_behaviour AS "error_behaviour: ErrorBehaviour",
            verdicts AS "verdicts: Json<Vec<Verdict>>"
        FROM cargo_epcis_captures
        WHERE id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(EpcisError::NotFound)?;
    Ok(Capture {
        id,
        org: OrgId(row.org),
        created_at: row.created_at,
        finished_at: row.finished_at,
        error_behaviour: row.error_behaviour,
        verdicts: row.verdicts.0,
    })
}

/// Deletes captures that are older than `days`; their events stay.
pub async fn prune_captures(conn: &mut PgConnection, days: i32) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "
        DELETE FROM cargo_epcis_captures
        WHERE created_at < now() - make_interval(days => $1)
        ",
        days,
    )
    .execute(conn)
    .await?;
    Ok(pruned.rows_affected())
}

/// Creates the partitions missing for this month and the next `months_ahead`; returns how many it created.
pub async fn ensure_partitions(conn: &mut PgConnection, months_ahead: i32) -> Result<u32, sqlx::Error> {
    let made = sqlx::query_scalar!(r#"SELECT cargo_epcis_ensure_partitions($1) AS "made!""#, months_ahead)
        .fetch_one(conn)
        .await?;
    Ok(made.unsigned_abs())
}
