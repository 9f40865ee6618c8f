//! Running a job again, sooner, or before others.

mod many;

use std::time::Duration;

use serde_json::{Value, json};
use shared::ids::JobId;
use sqlx::{Connection, PgConnection};

use super::{Actor, JobState, OpsError, name_of, note, record, state_of};
use crate::job::Priority;
use crate::ledger::insert;
use crate::registry::Registry;

#[cfg(test)]
pub(super) use many::finding;
pub use many::{Pace, RetriedMany, check_rate, given_up, retry_these, retryable};

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
    actor: Actor,
) -> Result<(), OpsError> {
    let mut tx = conn.begin().await?;
    put_again(&mut tx, registry, job, again, &name_of(actor)).await?;
    let data = json!({"edited": again.payload.is_some()});
    record(&mut tx, actor, "job.retry", ("job", job), data).await?;
    tx.commit().await?;
    Ok(())
}

/// [`retry`], named in the job's log alone.
async fn put_again(
    conn: &mut PgConnection,
    registry: &Registry,
    job: JobId,
    again: &Again,
    by: &str,
) -> Result<(), OpsError> {
    // A savepoint: a taken key must not spoil the caller's transaction.
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
    match put_back(&mut tx, &[(job, renewed, again.delay)]).await {
        Ok(1) => {}
        Ok(_) => return Err(sqlx::Error::RowNotFound.into()),
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
            let key = insert::unique_key(&job).map_err(|error| OpsError::Payload(error.to_string()))?;
            Ok(Renewed { payload: Some(payload), version: Some(job.version), key })
        }
        (Some(_), None) => Err(OpsError::UnknownKind(kind.to_owned())),
        (None, known) => {
            // A payload that this program cannot read may still be retried: a newer worker may read it.
            let key = known.and_then(|info| info.enqueue_stored(version, stored).ok());
            // What came into the ledger under a key that no longer fits runs without one.
            let key = key.and_then(|job| insert::unique_key(&job).ok().flatten());
            Ok(Renewed { payload: None, version: None, key: stored_key.or(key) })
        }
    }
}

/// Puts jobs back, each after its delay; returns how many were still dead or cancelled.
async fn put_back(conn: &mut PgConnection, jobs: &[(JobId, Renewed, Duration)]) -> Result<u64, sqlx::Error> {
    let ids: Vec<_> = jobs.iter().map(|(job, ..)| job.0).collect();
    let payloads: Vec<_> = jobs.iter().map(|(_, renewed, _)| renewed.payload.clone()).collect();
    let versions: Vec<_> = jobs.iter().map(|(_, renewed, _)| renewed.version).collect();
    let keys: Vec<_> = jobs.iter().map(|(_, renewed, _)| renewed.key.clone()).collect();
    let delays: Vec<_> = jobs.iter().map(|(.., delay)| delay.as_secs_f64().min(3_153_600_000.0)).collect();
    let back = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = CASE WHEN back.delay > 0 THEN 'scheduled' ELSE 'available' END::job_state,
            run_at = clock_timestamp() + back.delay * interval '1 second', delay = back.delay,
            payload = coalesce(back.payload, jobs.payload), version = coalesce(back.version, jobs.version),
            unique_key = back.key,
            -- What an earlier life left behind; its losses must not put the job into quarantine again at once.
            finished_at = NULL, cancel_at = NULL, due_at = NULL, queued_at = NULL, started_at = NULL, worker = NULL,
            progress = NULL, progress_text = NULL, result = NULL, losses = 0, republished = 0, reason = NULL
        FROM unnest($1::bigint[], $2::jsonb[], $3::smallint[], $4::text[], $5::double precision[])
            AS back (id, payload, version, key, delay)
        WHERE jobs.id = back.id
          AND jobs.state::text IN ('dead', 'cancelled')
        "#,
        &ids,
        &payloads as &[Option<Value>],
        &versions as &[Option<i16>],
        &keys as &[Option<String>],
        &delays,
    )
    .execute(conn)
    .await?;
    Ok(back.rows_affected())
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

/// Makes a job that waits for its time available at once, for an operator.
pub async fn run_now(conn: &mut PgConnection, job: JobId, actor: Actor) -> Result<(), OpsError> {
    let mut tx = conn.begin().await?;
    pull_forward(&mut tx, job, &name_of(actor)).await?;
    record(&mut tx, actor, "job.run_now", ("job", job), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes a job that waits for its time available at once, for another job: `by` is its kind.
pub async fn pull_forward(conn: &mut PgConnection, job: JobId, by: &str) -> Result<(), OpsError> {
    let moved = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'available', run_at = clock_timestamp()
        WHERE id = $1
          AND state::text = 'scheduled'
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
pub async fn reprioritise(
    conn: &mut PgConnection,
    job: JobId,
    priority: Priority,
    actor: Actor,
) -> Result<(), OpsError> {
    let mut tx = conn.begin().await?;
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
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() != 1 {
        let state = state_of(&mut tx, job).await?;
        return Err(OpsError::WrongState { job, state, expected: "only a waiting job can change its priority" });
    }
    note(&mut tx, job, &format!("priority set to {priority}"), &name_of(actor)).await?;
    record(&mut tx, actor, "job.reprioritise", ("job", job), json!({"priority": priority})).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
