//! Running a job again, sooner, or before others.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use shared::ids::JobId;
use sqlx::{Connection, PgConnection};

use super::list::JobFilter;
use super::{JobState, OpsError, note, state_of};
use crate::job::Priority;
use crate::ledger::insert;
use crate::registry::Registry;

/// How a finished job is to run again.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// A corrected payload in place of the old one; checked by the job's contract.
    pub payload: Option<Value>,
    /// Not before this long from now.
    pub delay: Duration,
}

/// What the job's row gets.
struct Renewed {
    payload: Option<Value>,
    version: Option<i16>,
    key: Option<String>,
}

/// Makes a dead or cancelled job available again: now, or after a delay. Attempts made so far stay on record and count.
///
/// The unique key that the job gave up when it finished is taken again, as its contract says; when another job holds it,
/// nothing changes and [`OpsError::Conflict`] names that job.
pub async fn retry(
    conn: &mut PgConnection,
    registry: &Registry,
    job: JobId,
    again: &Again,
    by: &str,
) -> Result<(), OpsError> {
    // A savepoint when the caller holds a transaction: a taken key must not spoil it.
    let mut tx = conn.begin().await?;
    let row = sqlx::query!(
        r#"
        SELECT state AS "state: JobState", kind, version, payload, unique_key
        FROM jobs
        WHERE id = $1
        FOR UPDATE
        "#,
        job.0,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(OpsError::UnknownJob(job))?;
    if !matches!(row.state, JobState::Dead | JobState::Cancelled) {
        return Err(OpsError::WrongState {
            job,
            state: row.state,
            expected: "only a dead or cancelled job can be retried",
        });
    }
    let renewed = renew(registry, &row.kind, row.version, row.payload, row.unique_key, again.payload.as_ref())?;
    if let Some(key) = &renewed.key {
        insert::release_expired(&mut tx, std::slice::from_ref(key)).await?;
    }
    let key = renewed.key.clone();
    match put_back(&mut tx, job, renewed, again.delay).await {
        Ok(()) => {}
        Err(error) if taken(&error) => {
            tx.rollback().await?;
            return Err(holder(conn, key.as_deref()).await?);
        }
        Err(error) => return Err(error.into()),
    }
    let act = if again.payload.is_some() { "retried with an edited payload" } else { "retried" };
    note(&mut tx, job, act, by).await?;
    tx.commit().await?;
    Ok(())
}

fn renew(
    registry: &Registry,
    kind: &str,
    version: i16,
    stored: Value,
    stored_key: Option<String>,
    edited: Option<&Value>,
) -> Result<Renewed, OpsError> {
    let known = registry.get(kind);
    match (edited, known) {
        (Some(payload), Some(info)) => {
            let job = info.enqueue(payload.clone()).map_err(|error| OpsError::Payload(error.problem))?;
            let payload = insert::checked_payload(&job).map_err(|error| OpsError::Payload(error.to_string()))?;
            Ok(Renewed { payload: Some(payload), version: Some(job.version), key: insert::unique_key(&job) })
        }
        (Some(_), None) => Err(OpsError::UnknownKind(kind.to_owned())),
        (None, known) => {
            // A payload that this program cannot read may still be retried: a newer worker may read it.
            let key = known.and_then(|info| info.enqueue_stored(version, stored).ok());
            let key = key.and_then(|job| insert::unique_key(&job));
            Ok(Renewed { payload: None, version: None, key: stored_key.or(key) })
        }
    }
}

async fn put_back(conn: &mut PgConnection, job: JobId, renewed: Renewed, delay: Duration) -> Result<(), sqlx::Error> {
    let back = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = CASE WHEN $5::double precision > 0 THEN 'scheduled' ELSE 'available' END::job_state,
            run_at = clock_timestamp() + $5 * interval '1 second',
            payload = coalesce($2, payload), version = coalesce($3, version), unique_key = $4,
            -- What an earlier life left behind; its losses must not put the job into quarantine again at once.
            finished_at = NULL, cancel_at = NULL, due_at = NULL, queued_at = NULL, started_at = NULL, worker = NULL,
            progress = NULL, progress_text = NULL, result = NULL, losses = 0, republished = 0
        WHERE id = $1
          AND state IN ('dead', 'cancelled')
        "#,
        job.0,
        renewed.payload,
        renewed.version,
        renewed.key,
        delay.as_secs_f64().min(3_153_600_000.0),
    )
    .execute(conn)
    .await?;
    if back.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

fn taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some("jobs_unique"))
}

async fn holder(conn: &mut PgConnection, key: Option<&str>) -> Result<OpsError, sqlx::Error> {
    let holder =
        sqlx::query!(r#"SELECT id AS "id: JobId", state AS "state: JobState" FROM jobs WHERE unique_key = $1"#, key,)
            .fetch_one(conn)
            .await?;
    Ok(OpsError::Conflict { existing: holder.id, state: holder.state })
}

/// What became of a request to retry many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RetriedMany {
    pub retried: u64,
    /// Jobs that stay as they are because another job holds their key.
    pub conflicts: u64,
}

/// Retries the dead jobs (or, when the filter says so, cancelled ones) that fit the filter, oldest first, at most `limit`.
/// With `per_second` they become due one after the other at that rate instead of all at once.
pub async fn retry_matching(
    conn: &mut PgConnection,
    registry: &Registry,
    filter: &JobFilter,
    per_second: Option<f64>,
    limit: u32,
    by: &str,
) -> Result<RetriedMany, OpsError> {
    if per_second.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
        return Err(OpsError::Invalid { setting: "rate", problem: "must be above 0" });
    }
    let mut done = RetriedMany::default();
    for job in matching(conn, filter, limit).await? {
        #[expect(clippy::cast_precision_loss, reason = "far fewer jobs than 2^52")]
        let delay = per_second.map_or(0.0, |rate| done.retried as f64 / rate);
        let again = Again { payload: None, delay: Duration::try_from_secs_f64(delay).unwrap_or(Duration::MAX) };
        match retry(conn, registry, job, &again, by).await {
            Ok(()) => done.retried += 1,
            Err(OpsError::Conflict { .. }) => done.conflicts += 1,
            // Somebody else retried or pruned it meanwhile.
            Err(OpsError::WrongState { .. } | OpsError::UnknownJob(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

async fn matching(conn: &mut PgConnection, filter: &JobFilter, limit: u32) -> Result<Vec<JobId>, sqlx::Error> {
    let dead = [JobState::Dead];
    let states = filter.states_or_none().unwrap_or(&dead);
    sqlx::query_scalar!(
        r#"
        SELECT id AS "id: JobId"
        FROM jobs
        WHERE state = ANY ($1)
          AND state IN ('dead', 'cancelled')
          AND ($2::text IS NULL OR kind = $2)
          AND ($3::text IS NULL OR queue = $3)
          AND ($4::uuid IS NULL OR tenant = $4)
          AND ($5::text IS NULL OR fingerprint = $5)
          AND ($6::text IS NULL OR position(lower($6) IN lower(error)) > 0)
          AND ($7::timestamptz IS NULL OR created_at >= $7)
          AND ($8::timestamptz IS NULL OR created_at < $8)
        ORDER BY id
        LIMIT $9
        "#,
        states as &[JobState],
        filter.kind.as_deref(),
        filter.queue.as_deref(),
        filter.tenant.map(|org| org.0),
        filter.fingerprint.as_deref(),
        filter.error.as_deref(),
        filter.created_from,
        filter.created_until,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await
}

/// Makes a job that waits for its time available at once.
pub async fn run_now(conn: &mut PgConnection, job: JobId, by: &str) -> Result<(), OpsError> {
    let moved = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'available', run_at = clock_timestamp()
        WHERE id = $1
          AND state = 'scheduled'
        "#,
        job.0,
    )
    .execute(&mut *conn)
    .await?;
    if moved.rows_affected() == 1 {
        return Ok(note(conn, job, "run now", by).await?);
    }
    let state = state_of(conn, job).await?;
    Err(OpsError::WrongState { job, state, expected: "only a scheduled job can be run before its time" })
}

/// Gives a waiting job another priority. One that a broker already carries keeps its place there.
pub async fn reprioritise(conn: &mut PgConnection, job: JobId, priority: Priority, by: &str) -> Result<(), OpsError> {
    let changed = sqlx::query!(
        r#"
        UPDATE jobs
        SET priority = $2
        WHERE id = $1
          AND state IN ('scheduled', 'available', 'queued')
        "#,
        job.0,
        priority as i16,
    )
    .execute(&mut *conn)
    .await?;
    if changed.rows_affected() == 1 {
        return Ok(note(conn, job, &format!("priority set to {priority}"), by).await?);
    }
    let state = state_of(conn, job).await?;
    Err(OpsError::WrongState { job, state, expected: "only a waiting job can change its priority" })
}

#[cfg(test)]
mod tests;
