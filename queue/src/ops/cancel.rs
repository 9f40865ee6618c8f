//! Cancelling: a waiting job at once, a running one by asking its worker.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::ids::JobId;
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};

use super::filter::by_index;
use super::list::JobFilter;
use super::{Actor, JobState, OpsError, name_of, note, record, state_of};

/// The most jobs that one look finds.
const FOUND: i64 = 100_000;

/// What became of a request to cancel one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "cancelled", rename_all = "snake_case")]
pub enum Cancelled {
    /// It waited; it is cancelled now.
    AtOnce,
    /// It runs; its worker has been asked and sees it within a second.
    Asked,
}

/// Cancels one job. A finished job is refused.
pub async fn cancel(conn: &mut PgConnection, job: JobId, actor: Actor) -> Result<Cancelled, OpsError> {
    let mut tx = conn.begin().await?;
    // One statement, so that a claim in between is seen: the row is judged in its newest form under its lock.
    let row = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = CASE WHEN state = 'running' THEN 'running' ELSE 'cancelled' END::job_state,
            cancel_at = coalesce(cancel_at, clock_timestamp()),
            finished_at = CASE WHEN state <> 'running' THEN clock_timestamp() END,
            unique_key = CASE WHEN state = 'running' OR unique_until IS NOT NULL THEN unique_key END
        WHERE id = $1
          AND state < 'succeeded'
        RETURNING state AS "state: JobState", kind
        "#,
        job.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else {
        let state = state_of(&mut tx, job).await?;
        return Err(OpsError::WrongState { job, state, expected: "only a job that is not finished can be cancelled" });
    };
    let (cancelled, act) = match row.state {
        JobState::Running => (Cancelled::Asked, "asked to stop"),
        _ => (Cancelled::AtOnce, "cancelled"),
    };
    note(&mut tx, job, act, &name_of(actor)).await?;
    record(&mut tx, actor, "job.cancel", ("job", job), json!({})).await?;
    tx.commit().await?;
    if cancelled == Cancelled::AtOnce {
        count_cancelled(row.kind, 1);
    }
    Ok(cancelled)
}

/// A waiting job is finished by whoever cancels it, a running one by its worker.
fn count_cancelled(kind: String, jobs: u64) {
    metrics::counter!("tradeyard_jobs_finished_total", "kind" => kind, "outcome" => "cancelled").increment(jobs);
}

/// What became of a request to cancel many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CancelledMany {
    /// Waiting jobs that are cancelled now.
    pub cancelled: u64,
    /// Running jobs whose workers have been asked.
    pub asked: u64,
}

/// The open jobs that fit the filter, other than `but`, and that were there at `asked_at`: up to 100,000 of them, in no order.
/// Those that [`cancel_these`] has cancelled or asked are not found again.
pub async fn cancellable(
    conn: &mut PgConnection,
    filter: &JobFilter,
    asked_at: DateTime<Utc>,
    but: JobId,
) -> Result<Vec<JobId>, sqlx::Error> {
    let mut tx = by_index(conn).await?;
    let found = match finding(filter, asked_at, but) {
        Some(mut sql) => sql.build_query_scalar().fetch_all(&mut *tx).await?,
        None => Vec::new(),
    };
    tx.commit().await?;
    Ok(found)
}

/// The filter for what [`cancellable`] finds; `None`: it names no open state.
#[must_use]
pub fn open(filter: &JobFilter) -> Option<JobFilter> {
    let states: Vec<_> = filter.wanted().iter().copied().filter(|state| state.is_open()).collect();
    (!states.is_empty()).then(|| JobFilter { states, ..filter.clone() })
}

pub(super) fn finding(filter: &JobFilter, asked_at: DateTime<Utc>, but: JobId) -> Option<QueryBuilder<Postgres>> {
    let filter = open(filter)?;
    let mut sql = QueryBuilder::new("SELECT id FROM (");
    for (place, &state) in filter.states.iter().enumerate() {
        sql.push(if place > 0 { " UNION ALL " } else { "" }).push("SELECT id FROM jobs WHERE ");
        filter.push(&mut sql, state);
        sql.push(" AND cancel_at IS NULL AND id <> ").push_bind(but);
        sql.push(" AND created_at <= ").push_bind(asked_at);
    }
    sql.push(") AS found LIMIT ").push_bind(FOUND);
    Some(sql)
}

/// Cancels those of the jobs that are still open and that nobody holds at this instant, in the caller's transaction. `by` is
/// named in their logs.
pub async fn cancel_these(conn: &mut PgConnection, jobs: &[JobId], by: &str) -> Result<CancelledMany, sqlx::Error> {
    let mut ids: Vec<_> = jobs.iter().map(|job| job.0).collect();
    ids.sort_unstable();
    let done = sqlx::query!(
        r#"
        WITH picked AS (
            SELECT id
            FROM jobs
            WHERE id = ANY ($1)
              AND state < 'succeeded'
              AND cancel_at IS NULL
            FOR UPDATE SKIP LOCKED
        ), done AS (
            UPDATE jobs
            SET state = CASE WHEN state = 'running' THEN 'running' ELSE 'cancelled' END::job_state,
                cancel_at = clock_timestamp(),
                finished_at = CASE WHEN state <> 'running' THEN clock_timestamp() END,
                unique_key = CASE WHEN state = 'running' OR unique_until IS NOT NULL THEN unique_key END
            FROM picked
            WHERE jobs.id = picked.id
            RETURNING jobs.id, jobs.attempt, jobs.state, jobs.kind
        ), noted AS (
            INSERT INTO job_logs (job, attempt, at, line)
            SELECT id, attempt, clock_timestamp(),
                   CASE WHEN state = 'running' THEN 'asked to stop by ' ELSE 'cancelled by ' END || $2::text
            FROM done
        )
        SELECT kind AS "kind!", count(*) FILTER (WHERE state = 'cancelled') AS "cancelled!",
               count(*) FILTER (WHERE state = 'running') AS "asked!"
        FROM done
        GROUP BY kind
        "#,
        &ids,
        by,
    )
    .fetch_all(conn)
    .await?;
    let mut all = CancelledMany::default();
    for of_kind in done {
        all.cancelled += of_kind.cancelled.unsigned_abs();
        all.asked += of_kind.asked.unsigned_abs();
        count_cancelled(of_kind.kind, of_kind.cancelled.unsigned_abs());
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
