//! Cancelling: a waiting job at once, a running one by asking its worker.

use std::time::Duration;

use serde::Serialize;
use shared::ids::JobId;
use sqlx::PgConnection;

use super::list::JobFilter;
use super::{JobState, OpsError, note, state_of};

/// The most jobs that one statement cancels.
const BATCH: i64 = 500;

/// How often, and how long apart, a bulk cancel looks again for rows that somebody held.
const LOOKS_AGAIN: u32 = 50;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

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
pub async fn cancel(conn: &mut PgConnection, job: JobId, by: &str) -> Result<Cancelled, OpsError> {
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
    .fetch_optional(&mut *conn)
    .await?;
    match row {
        Some(row) if row.state == JobState::Running => {
            note(conn, job, "asked to stop", by).await?;
            Ok(Cancelled::Asked)
        }
        Some(row) => {
            note(conn, job, "cancelled", by).await?;
            count_cancelled(row.kind, 1);
            Ok(Cancelled::AtOnce)
        }
        None => {
            let state = state_of(conn, job).await?;
            Err(OpsError::WrongState { job, state, expected: "only a job that is not finished can be cancelled" })
        }
    }
}

/// A waiting job is finished by whoever cancels it, a running one by its worker.
fn count_cancelled(kind: String, jobs: u64) {
    metrics::counter!("tradeyard_jobs_finished_total", "kind" => kind, "outcome" => "cancelled").increment(jobs);
}

/// What became of a request to cancel many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CancelledMany {
    /// Waiting jobs that are cancelled now.
    pub cancelled: u64,
    /// Running jobs whose workers have been asked.
    pub asked: u64,
}

/// Cancels every open job that fits the filter, in batches that commit by themselves unless the caller holds a
/// transaction. Stops early, having done part, when a statement fails.
pub async fn cancel_matching(
    conn: &mut PgConnection,
    filter: &JobFilter,
    by: &str,
) -> Result<CancelledMany, sqlx::Error> {
    let mut done = CancelledMany::default();
    let mut empty_looks = 0;
    loop {
        let batch = cancel_batch(conn, filter, by).await?;
        done.cancelled += batch.cancelled;
        done.asked += batch.asked;
        if batch != CancelledMany::default() {
            empty_looks = 0;
            continue;
        }
        // Rows that a claim or a finish holds right now are skipped; they are free again within milliseconds.
        if empty_looks == LOOKS_AGAIN || !any_left(conn, filter).await? {
            return Ok(done);
        }
        empty_looks += 1;
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}

async fn cancel_batch(conn: &mut PgConnection, filter: &JobFilter, by: &str) -> Result<CancelledMany, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        WITH picked AS (
            SELECT id
            FROM jobs
            WHERE state IN ('scheduled', 'available', 'queued', 'running')
              AND cancel_at IS NULL
              AND ($1::job_state[] IS NULL OR state = ANY ($1))
              AND ($2::text IS NULL OR kind = $2)
              AND ($3::text IS NULL OR queue = $3)
              AND ($4::uuid IS NULL OR tenant = $4)
              AND ($5::text IS NULL OR fingerprint = $5)
              AND ($6::text IS NULL OR position(lower($6) IN lower(error)) > 0)
              AND ($7::timestamptz IS NULL OR created_at >= $7)
              AND ($8::timestamptz IS NULL OR created_at < $8)
            LIMIT $9
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
                   CASE WHEN state = 'running' THEN 'asked to stop by ' ELSE 'cancelled by ' END || $10::text
            FROM done
        )
        SELECT kind AS "kind!", count(*) FILTER (WHERE state = 'cancelled') AS "cancelled!",
               count(*) FILTER (WHERE state = 'running') AS "asked!"
        FROM done
        GROUP BY kind
        "#,
        filter.states_or_none() as Option<&[JobState]>,
        filter.kind.as_deref(),
        filter.queue.as_deref(),
        filter.tenant.map(|org| org.0),
        filter.fingerprint.as_deref(),
        filter.error.as_deref(),
        filter.created_from,
        filter.created_until,
        BATCH,
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

async fn any_left(conn: &mut PgConnection, filter: &JobFilter) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM jobs
            WHERE state IN ('scheduled', 'available', 'queued', 'running')
              AND cancel_at IS NULL
              AND ($1::job_state[] IS NULL OR state = ANY ($1))
              AND ($2::text IS NULL OR kind = $2)
              AND ($3::text IS NULL OR queue = $3)
              AND ($4::uuid IS NULL OR tenant = $4)
              AND ($5::text IS NULL OR fingerprint = $5)
              AND ($6::text IS NULL OR position(lower($6) IN lower(error)) > 0)
              AND ($7::timestamptz IS NULL OR created_at >= $7)
              AND ($8::timestamptz IS NULL OR created_at < $8)
        ) AS "left!"
        "#,
        filter.states_or_none() as Option<&[JobState]>,
        filter.kind.as_deref(),
        filter.queue.as_deref(),
        filter.tenant.map(|org| org.0),
        filter.fingerprint.as_deref(),
        filter.error.as_deref(),
        filter.created_from,
        filter.created_until,
    )
    .fetch_one(conn)
    .await
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bed, insert};
    use super::*;
    use crate::ops::detail::detail;

    #[tokio::test]
    async fn a_waiting_job_is_cancelled_at_once_and_its_key_is_free() {
        let mut bed = Bed::new().await;
        for state in [JobState::Scheduled, JobState::Available, JobState::Queued] {
            let job = insert(&mut bed.conn, "emails", state).await;
            bed.set(job, "unique_key = 'a:b'").await;
            assert_eq!(cancel(&mut bed.conn, job, "cli").await.unwrap(), Cancelled::AtOnce);
            let seen = detail(&mut bed.conn, job).await.unwrap();
            assert_eq!(seen.job.state, JobState::Cancelled);
            assert_eq!(seen.job.unique_key, None);
            assert!(seen.job.finished_at.is_some());
            assert_eq!(seen.logs.iter().map(|l| l.line.as_str()).collect::<Vec<_>>(), ["cancelled by cli"]);
        }
        bed.close().await;
    }

    #[tokio::test]
    async fn a_running_job_is_asked_and_keeps_its_key_until_it_stops() {
        let mut bed = Bed::new().await;
        let worker = bed.worker(&["emails"], &["t.send"]).await;
        let job = insert(&mut bed.conn, "emails", JobState::Available).await;
        bed.run(job, worker).await;
        bed.set(job, "unique_key = 'a:b'").await;
        assert_eq!(cancel(&mut bed.conn, job, "cli").await.unwrap(), Cancelled::Asked);
        let first = detail(&mut bed.conn, job).await.unwrap().job;
        assert_eq!((first.state, first.unique_key.as_deref()), (JobState::Running, Some("a:b")));
        // Asking twice does not move the time of the first request.
        assert_eq!(cancel(&mut bed.conn, job, "cli").await.unwrap(), Cancelled::Asked);
        assert_eq!(detail(&mut bed.conn, job).await.unwrap().job.cancel_at, first.cancel_at);
        bed.close().await;
    }

    #[tokio::test]
    async fn finished_and_unknown_jobs_are_refused() {
        let mut bed = Bed::new().await;
        let job = insert(&mut bed.conn, "emails", JobState::Succeeded).await;
        let refused = cancel(&mut bed.conn, job, "cli").await;
        assert!(matches!(refused, Err(OpsError::WrongState { state: JobState::Succeeded, .. })), "{refused:?}");
        let refused = cancel(&mut bed.conn, JobId(9_999_999), "cli").await;
        assert!(matches!(refused, Err(OpsError::UnknownJob(_))), "{refused:?}");
        bed.close().await;
    }

    #[tokio::test]
    async fn cancelling_by_filter_takes_more_than_one_batch_and_nothing_else() {
        let mut bed = Bed::new().await;
        bed.sql(
            "INSERT INTO jobs (state, queue, kind, payload, run_at)
             SELECT 'available', 'emails', 't.send', '{}', now() FROM generate_series(1, 1203)",
        )
        .await;
        let other = insert(&mut bed.conn, "reports", JobState::Available).await;
        let worker = bed.worker(&["emails"], &["t.send"]).await;
        let running = insert(&mut bed.conn, "emails", JobState::Available).await;
        bed.run(running, worker).await;
        let filter = JobFilter { queue: Some("emails".into()), ..JobFilter::default() };
        let done = cancel_matching(&mut bed.conn, &filter, "cli").await.unwrap();
        assert_eq!(done, CancelledMany { cancelled: 1203, asked: 1 });
        assert_eq!(detail(&mut bed.conn, other).await.unwrap().job.state, JobState::Available);
        bed.close().await;
    }

    #[tokio::test]
    async fn a_row_that_is_held_for_a_moment_is_cancelled_too() {
        let mut bed = Bed::new().await;
        let job = insert(&mut bed.conn, "emails", JobState::Available).await;
        let mut holder = bed.db.pool.begin().await.unwrap();
        sqlx::query("SELECT FROM jobs WHERE id = $1 FOR UPDATE").bind(job).execute(&mut *holder).await.unwrap();
        let filter = JobFilter::states([JobState::Available]);
        let (done, ()) = tokio::join!(cancel_matching(&mut bed.conn, &filter, "cli"), async {
            tokio::time::sleep(LOOK_AGAIN_AFTER * 3).await;
            holder.rollback().await.unwrap();
        });
        assert_eq!(done.unwrap().cancelled, 1);
        bed.close().await;
    }
}
