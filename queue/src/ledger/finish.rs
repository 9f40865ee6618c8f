//! The end of an attempt. Every statement is fenced: it writes only while the attempt still holds the job.
//!
//! States are compared as text for the same reason as in [`super::claim`].

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgConnection;

use super::Fence;
use super::reason::Reason;
use crate::cx::StaleAttempt;
use crate::kept::{self, LINE_BYTES, PROGRESS_BYTES};
use crate::worker::statements::{Logged, Shown};

/// Marks the job succeeded inside the caller's transaction.
pub(crate) async fn succeed_in(conn: &mut PgConnection, fence: Fence, result: Option<&Value>) -> anyhow::Result<()> {
    let done = succeed(conn, fence.worker, &[(fence.job, fence.epoch, result.cloned())]).await?;
    if done.is_empty() { Err(StaleAttempt(fence.job).into()) } else { Ok(()) }
}

/// [`succeed_in`] for several attempts. Fails if one of them does not hold its job any more: the transaction must not commit then, since
/// what that one has written is in it.
pub(crate) async fn succeed_all_in(conn: &mut PgConnection, fences: &[Fence]) -> anyhow::Result<()> {
    // As a rule there is one worker: another one, if the lease was lost meanwhile.
    let mut workers: BTreeMap<i64, Vec<(JobId, i32, Option<Value>)>> = BTreeMap::new();
    for fence in fences {
        workers.entry(fence.worker).or_default().push((fence.job, fence.epoch, None));
    }
    let mut done = HashSet::with_capacity(fences.len());
    for (worker, ends) in workers {
        done.extend(succeed(conn, worker, &ends).await?);
    }
    match fences.iter().find(|fence| !done.contains(&fence.job)) {
        Some(stale) => Err(StaleAttempt(stale.job).into()),
        None => Ok(()),
    }
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
        results.push(result.as_ref().map(kept::value));
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
    /// Given back by a worker that has no handler for the kind.
    Unknown,
    /// Given back by a worker that reads only older payloads of the kind.
    TooNew,
    Cancelled,
    Dead,
}

impl Ending {
    /// The word in `job_attempts.outcome`. What no handler has seen is not an attempt and leaves no row: the job's own row says why.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Snooze => "snooze",
            Self::Returned => "returned",
            Self::Unknown | Self::TooNew => "unknown",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// A snooze and a shutdown cost no attempt.
    const fn is_free(self) -> bool {
        matches!(self, Self::Snooze | Self::Returned | Self::Unknown | Self::TooNew)
    }

    /// Why the job is in line again; `None`: it has ended.
    const fn reason(self) -> Option<Reason> {
        match self {
            Self::Retry => Some(Reason::Failed),
            Self::Snooze => Some(Reason::Snoozed),
            Self::Returned => Some(Reason::WorkerStopped),
            Self::Unknown => Some(Reason::NoHandler),
            Self::TooNew => Some(Reason::NewerPayload),
            Self::Cancelled | Self::Dead => None,
        }
    }

    const fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Dead)
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
/// A job whose cancellation was asked for meanwhile does not run again: the request is read from the row under its lock, so
/// that one which commits while this statement waits for it counts. An attempt that ends in whatever way has not killed its
/// worker, so the job's losses count from zero again.
pub(crate) async fn end(conn: &mut PgConnection, worker: i64, ends: &[&Ended]) -> Result<Vec<JobId>, sqlx::Error> {
    let ids: Vec<_> = ends.iter().map(|end| end.job.0).collect();
    let epochs: Vec<_> = ends.iter().map(|end| end.epoch).collect();
    let words: Vec<_> = ends.iter().map(|end| end.ending.word().to_owned()).collect();
    let finals: Vec<_> = ends.iter().map(|end| end.ending.is_final()).collect();
    let free: Vec<_> = ends.iter().map(|end| i32::from(end.ending.is_free())).collect();
    let delays: Vec<_> = ends.iter().map(|end| end.delay).collect();
    let errors: Vec<_> = ends.iter().map(|end| end.error.clone()).collect();
    let prints: Vec<_> = ends.iter().map(|end| end.fingerprint.clone()).collect();
    let reasons: Vec<_> = ends.iter().map(|end| end.ending.reason()).collect();
    let starts: Vec<_> = ends.iter().map(|end| end.started_at).collect();
    let done = sqlx::query_scalar!(
        r#"
        WITH moved AS (
            UPDATE jobs
            SET state = CASE
                    WHEN ended.final THEN ended.word
                    WHEN jobs.cancel_at IS NOT NULL THEN 'cancelled'
                    WHEN ended.delay > 0 THEN 'scheduled'
                    ELSE 'available'
                END::job_state,
                attempt = jobs.attempt - ended.free,
                losses = 0,
                due_at = CASE WHEN ended.word = 'retry' THEN coalesce(jobs.due_at, jobs.run_at) ELSE jobs.due_at END,
                run_at = CASE
                    WHEN ended.final OR jobs.cancel_at IS NOT NULL OR ended.delay <= 0 THEN jobs.run_at
                    ELSE clock_timestamp() + ended.delay * interval '1 second'
                END,
                delay = ended.delay,
                finished_at = CASE WHEN ended.final OR jobs.cancel_at IS NOT NULL THEN clock_timestamp() END,
                error = coalesce(ended.error, jobs.error),
                fingerprint = coalesce(ended.fingerprint, jobs.fingerprint),
                reason = ended.reason,
                unique_key = CASE
                    WHEN (ended.final OR jobs.cancel_at IS NOT NULL) AND jobs.unique_until IS NULL THEN NULL
                    ELSE jobs.unique_key
                END
            FROM unnest(
                $1::bigint[], $2::integer[], $3::text[], $4::boolean[], $5::integer[], $6::double precision[],
                $7::text[], $8::text[], $9::timestamptz[], $11::job_reason[]
            ) AS ended (id, epoch, word, final, free, delay, error, fingerprint, started_at, reason)
            WHERE jobs.id = ended.id
              AND jobs.epoch = ended.epoch
              AND jobs.worker = $10
              AND jobs.state::text = 'running'
            RETURNING jobs.id, jobs.epoch, jobs.attempt + ended.free AS attempt, jobs.state, ended.word, ended.error,
                ended.fingerprint, ended.started_at
        ), history AS (
            INSERT INTO job_attempts (job, epoch, attempt, outcome, worker, started_at, ended_at, error, fingerprint)
            SELECT
                id, epoch, attempt, CASE WHEN state = 'cancelled' THEN 'cancelled' ELSE word END, $10, started_at,
                clock_timestamp(), error, fingerprint
            FROM moved
            WHERE word <> 'unknown' OR state = 'cancelled'
            ON CONFLICT (job, epoch) DO NOTHING
        )
        SELECT id AS "id!" FROM moved
        "#,
        &ids,
        &epochs,
        &words,
        &finals,
        &free,
        &delays,
        &errors as &[Option<String>],
        &prints as &[Option<String>],
        &starts,
        worker,
        &reasons as &[Option<Reason>],
    )
    .fetch_all(conn)
    .await?;
    Ok(done.into_iter().map(JobId).collect())
}

/// Shows the progress of many jobs; returns those whose attempts still hold them.
pub(crate) async fn progress(conn: &mut PgConnection, shown: &[&Shown]) -> Result<Vec<JobId>, sqlx::Error> {
    let ids: Vec<_> = shown.iter().map(|shown| shown.fence.job.0).collect();
    let epochs: Vec<_> = shown.iter().map(|shown| shown.fence.epoch).collect();
    let workers: Vec<_> = shown.iter().map(|shown| shown.fence.worker).collect();
    let percents: Vec<_> = shown.iter().map(|shown| i16::from(shown.percent)).collect();
    let texts: Vec<_> = shown.iter().map(|shown| kept::text(&shown.text, PROGRESS_BYTES).into_owned()).collect();
    let done = sqlx::query_scalar!(
        r#"
        UPDATE jobs
        SET progress = shown.percent, progress_text = shown.text
        FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::smallint[], $5::text[])
            AS shown (id, epoch, worker, percent, text)
        WHERE jobs.id = shown.id
          AND jobs.epoch = shown.epoch
          AND jobs.worker = shown.worker
          AND jobs.state::text = 'running'
        RETURNING jobs.id
        "#,
        &ids,
        &epochs,
        &workers,
        &percents,
        &texts,
    )
    .fetch_all(conn)
    .await?;
    Ok(done.into_iter().map(JobId).collect())
}

/// Whether the job succeeded by this attempt.
pub(crate) async fn has_succeeded(conn: &mut PgConnection, fence: Fence) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT FROM jobs
            WHERE id = $1
              AND epoch = $2
              AND worker = $3
              AND state = 'succeeded'
        ) AS "succeeded!"
        "#,
        fence.job.0,
        fence.epoch,
        fence.worker,
    )
    .fetch_one(conn)
    .await
}

/// Keeps how far the job is, where its result will stand. In the transaction of the work that it counts.
pub(crate) async fn checkpoint(
    conn: &mut PgConnection,
    fence: Fence,
    percent: u8,
    text: &str,
    at: &Value,
) -> anyhow::Result<()> {
    anyhow::ensure!(kept::value(at) == *at, "a checkpoint is at most 64 KiB and without NULs");
    let written = sqlx::query!(
        r#"
        UPDATE jobs
        SET result = $4, progress = $5, progress_text = $6
        WHERE id = $1
          AND epoch = $2
          AND worker = $3
          AND state = 'running'
        "#,
        fence.job.0,
        fence.epoch,
        fence.worker,
        at,
        i16::from(percent),
        &*kept::text(text, PROGRESS_BYTES),
    )
    .execute(conn)
    .await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(StaleAttempt(fence.job).into()) }
}

/// What [`checkpoint`] last kept.
pub(crate) async fn checkpointed(conn: &mut PgConnection, fence: Fence) -> anyhow::Result<Option<Value>> {
    let row = sqlx::query!("SELECT result FROM jobs WHERE id = $1 AND epoch = $2", fence.job.0, fence.epoch)
        .fetch_optional(conn)
        .await?;
    Ok(row.ok_or(StaleAttempt(fence.job))?.result)
}

/// Keeps log lines of attempts.
pub(crate) async fn log(conn: &mut PgConnection, logged: &[Logged]) -> Result<(), sqlx::Error> {
    let (mut jobs, mut attempts, mut times, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for logged in logged {
        for (at, line) in &logged.lines {
            jobs.push(logged.job.0);
            attempts.push(logged.attempt);
            times.push(*at);
            texts.push(kept::text(line, LINE_BYTES).into_owned());
        }
    }
    sqlx::query!(
        r#"
        INSERT INTO job_logs (job, attempt, at, line)
        SELECT job, attempt, at, line
        FROM unnest($1::bigint[], $2::integer[], $3::timestamptz[], $4::text[]) WITH ORDINALITY
            AS new (job, attempt, at, line, place)
        ORDER BY place
        "#,
        &jobs,
        &attempts,
        &times,
        &texts,
    )
    .execute(conn)
    .await?;
    Ok(())
}
