//! The end of an attempt. Every statement is fenced: it writes only while the attempt still holds the job.
//!
//! States are compared as text for the same reason as in [`super::claim`].

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgConnection;

use super::Fence;
use crate::kit::cx::StaleAttempt;

/// Marks the job succeeded inside the caller's transaction.
pub(crate) async fn succeed_in(conn: &mut PgConnection, fence: Fence, result: Option<&Value>) -> anyhow::Result<()> {
    let done = succeed(conn, fence.worker, &[(fence.job, fence.epoch, result.cloned())]).await?;
    if done.is_empty() { Err(StaleAttempt(fence.job).into()) } else { Ok(()) }
}

/// Marks many jobs of one worker succeeded; returns those that it still held.
pub(crate) async fn succeed(
    conn: &mut PgConnection,
    worker: i64,
    ends: &[(JobId, i32, Option<Value>)],
) -> Result<Vec<JobId>, sqlx::Error> {
    let mut ids = Vec::with_capacity(ends.len());
    let mut epochs = Vec::with_capacity(ends.len());
    let mut results = Vec::with_capacity(ends.len());
    for (job, epoch, result) in ends {
        ids.push(job.0);
        epochs.push(*epoch);
        results.push(result.clone());
    }
    let done = sqlx::query_scalar!(
        r#"
        UPDATE jobs
        SET state = 'succeeded', finished_at = clock_timestamp(), result = ended.result, error = NULL,
            fingerprint = NULL, progress = CASE WHEN progress IS NOT NULL THEN 100 END,
            unique_key = CASE WHEN unique_until IS NOT NULL THEN unique_key END
        FROM unnest($1::bigint[], $2::integer[], $3::jsonb[]) AS ended (id, epoch, result)
        WHERE jobs.id = ended.id
          AND jobs.epoch = ended.epoch
          AND jobs.worker = $4
          AND jobs.state::text = 'running'
        RETURNING jobs.id
        "#,
        &ids,
        &epochs,
        &results as &[Option<Value>],
        worker,
    )
    .fetch_all(conn)
    .await?;
    Ok(done.into_iter().map(JobId).collect())
}

/// How an attempt ended that was not a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Retry,
    Snooze,
    /// Given back by a worker that shuts down.
    Returned,
    Cancelled,
    Dead,
}

impl Ending {
    /// The word in `job_attempts.outcome`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Snooze => "snooze",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// A snooze and a shutdown cost no attempt.
    const fn is_free(self) -> bool {
        matches!(self, Self::Snooze | Self::Returned)
    }
}

/// An attempt that did not succeed, and what follows.
#[derive(Clone, Debug)]
pub struct Ended {
    pub job: JobId,
    pub epoch: i32,
    pub ending: Ending,
    /// When it runs again, in seconds from now; zero: at once. Ignored for final endings.
    pub delay: f64,
    pub error: Option<String>,
    pub fingerprint: Option<String>,
    pub started_at: DateTime<Utc>,
}

/// Ends many attempts of one worker and writes their history; returns those that it still held.
///
/// A job whose cancellation was asked for meanwhile does not run again.
pub(crate) async fn end(conn: &mut PgConnection, worker: i64, ends: &[Ended]) -> Result<Vec<JobId>, sqlx::Error> {
    let ids: Vec<_> = ends.iter().map(|end| end.job.0).collect();
    let epochs: Vec<_> = ends.iter().map(|end| end.epoch).collect();
    let words: Vec<_> = ends.iter().map(|end| end.ending.word().to_owned()).collect();
    let free: Vec<_> = ends.iter().map(|end| i32::from(end.ending.is_free())).collect();
    let delays: Vec<_> = ends.iter().map(|end| end.delay).collect();
    let errors: Vec<_> = ends.iter().map(|end| end.error.clone()).collect();
    let prints: Vec<_> = ends.iter().map(|end| end.fingerprint.clone()).collect();
    let starts: Vec<_> = ends.iter().map(|end| end.started_at).collect();
    let done = sqlx::query_scalar!(
        r#"
        WITH ended AS (
            SELECT
                given.*,
                CASE
                    WHEN word IN ('cancelled', 'dead') THEN word
                    WHEN job.cancel_at IS NOT NULL THEN 'cancelled'
                    WHEN given.delay > 0 THEN 'scheduled'
                    ELSE 'available'
                END AS next
            FROM unnest(
                $1::bigint[], $2::integer[], $3::text[], $4::integer[], $5::double precision[], $6::text[], $7::text[],
                $8::timestamptz[]
            ) AS given (id, epoch, word, free, delay, error, fingerprint, started_at)
            JOIN jobs AS job ON job.id = given.id
        ), moved AS (
            UPDATE jobs
            SET state = ended.next::job_state,
                attempt = jobs.attempt - ended.free,
                run_at = CASE
                    WHEN ended.next = 'scheduled' THEN clock_timestamp() + ended.delay * interval '1 second'
                    ELSE jobs.run_at
                END,
                finished_at = CASE WHEN ended.next IN ('cancelled', 'dead') THEN clock_timestamp() END,
                error = coalesce(ended.error, jobs.error),
                fingerprint = coalesce(ended.fingerprint, jobs.fingerprint),
                unique_key = CASE
                    WHEN ended.next IN ('cancelled', 'dead') AND unique_until IS NULL THEN NULL
                    ELSE unique_key
                END
            FROM ended
            WHERE jobs.id = ended.id
              AND jobs.epoch = ended.epoch
              AND jobs.worker = $9
              AND jobs.state::text = 'running'
            RETURNING jobs.id, jobs.epoch, jobs.attempt + ended.free AS attempt, ended.word, ended.next, ended.error,
                ended.fingerprint, ended.started_at
        ), history AS (
            INSERT INTO job_attempts (job, epoch, attempt, outcome, worker, started_at, ended_at, error, fingerprint)
            SELECT
                id, epoch, attempt, CASE WHEN next = 'cancelled' THEN 'cancelled' ELSE word END, $9, started_at,
                clock_timestamp(), error, fingerprint
            FROM moved
            ON CONFLICT (job, epoch) DO NOTHING
        )
        SELECT id AS "id!" FROM moved
        "#,
        &ids,
        &epochs,
        &words,
        &free,
        &delays,
        &errors as &[Option<String>],
        &prints as &[Option<String>],
        &starts,
        worker,
    )
    .fetch_all(conn)
    .await?;
    Ok(done.into_iter().map(JobId).collect())
}

/// Shows progress; a stale attempt shows nothing.
pub(crate) async fn progress(conn: &mut PgConnection, fence: Fence, percent: u8, text: &str) -> anyhow::Result<()> {
    let shown = sqlx::query!(
        r#"
        UPDATE jobs
        SET progress = $4, progress_text = $5
        WHERE id = $1
          AND epoch = $2
          AND worker = $3
          AND state = 'running'
        "#,
        fence.job.0,
        fence.epoch,
        fence.worker,
        i16::from(percent),
        text,
    )
    .execute(conn)
    .await?;
    if shown.rows_affected() == 1 { Ok(()) } else { Err(StaleAttempt(fence.job).into()) }
}

/// Keeps log lines of an attempt.
pub(crate) async fn log(
    conn: &mut PgConnection,
    job: JobId,
    attempt: i32,
    lines: &[(DateTime<Utc>, String)],
) -> Result<(), sqlx::Error> {
    let times: Vec<_> = lines.iter().map(|(at, _)| *at).collect();
    let texts: Vec<_> = lines.iter().map(|(_, line)| line.replace('\0', "")).collect();
    sqlx::query!(
        r#"
        INSERT INTO job_logs (job, attempt, at, line)
        SELECT $1, $2, at, line
        FROM unnest($3::timestamptz[], $4::text[]) WITH ORDINALITY AS new (at, line, place)
        ORDER BY place
        "#,
        job.0,
        attempt,
        &times,
        &texts,
    )
    .execute(conn)
    .await?;
    Ok(())
}
