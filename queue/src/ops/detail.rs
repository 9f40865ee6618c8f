//! Everything that is known of one job.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use shared::trace::TraceParent;
use sqlx::{AssertSqlSafe, PgConnection};

use super::list::{COLUMNS, JobLine};
use super::{JobState, OpsError};
use crate::job::Priority;
use crate::ledger::reason::Reason;

/// The newest lines and children that a detail shows.
const SHOWN: i64 = 1_000;

/// One job with its history.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobDetail {
    #[serde(flatten)]
    pub job: JobRow,
    /// The trace that the job belongs to, 32 hexadecimal digits: the request that enqueued it, its attempts, their children.
    pub trace: String,
    /// Oldest first; the last one may still run.
    pub attempts: Vec<AttemptView>,
    /// The newest thousand, oldest first.
    pub logs: Vec<LogLine>,
    /// Whose work this job is part of.
    pub parent: Option<JobLine>,
    /// The newest thousand, newest first.
    pub children: Vec<JobLine>,
}

/// The row itself.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobRow {
    #[schema(value_type = i64)]
    pub id: JobId,
    pub state: JobState,
    pub kind: String,
    pub queue: String,
    pub priority: Priority,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub tenant: Option<OrgId>,
    pub version: i16,
    #[schema(value_type = Object)]
    pub payload: Value,
    /// How often it was handed to a broker.
    pub epoch: i32,
    pub attempt: i32,
    /// How many workers were lost while they ran it.
    pub losses: i16,
    /// How often a broker had lost its message.
    pub republished: i16,
    pub created_at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    pub queued_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub cancel_at: Option<DateTime<Utc>>,
    pub unique_key: Option<String>,
    pub unique_until: Option<DateTime<Utc>>,
    pub progress: Option<i16>,
    pub progress_text: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    pub error: Option<String>,
    pub fingerprint: Option<String>,
    /// Why it last went back in line; in a job that runs or has ended it is history.
    pub reason: Option<Reason>,
    pub traceparent: Option<String>,
    #[serde(skip)]
    worker: Option<i64>,
    #[serde(skip)]
    worker_name: Option<String>,
    #[serde(skip)]
    parent: Option<i64>,
}

/// One attempt at a job.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AttemptView {
    pub attempt: i32,
    pub epoch: i32,
    /// `running`, `succeeded`, `retry`, `snooze`, `returned`, `lost`, `cancelled` or `dead`.
    pub outcome: String,
    /// The worker's name; `None` when its row has been pruned or it never had one.
    pub worker: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
    /// The attempt's span, 16 hexadecimal digits. What it enqueued has this span as its parent.
    pub span: String,
    /// The span that enqueued the job: the first attempt continues it.
    pub parent_span: Option<String>,
    /// A later attempt is a try of its own that points to the first one.
    pub links: Vec<String>,
}

/// A line that the handler (or an operator's act) left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LogLine {
    pub attempt: i32,
    pub at: DateTime<Utc>,
    pub line: String,
}

/// Reads one job with its attempts, log lines, parent and children.
pub async fn detail(conn: &mut PgConnection, id: JobId) -> Result<JobDetail, OpsError> {
    let job = row(conn, id).await?.ok_or(OpsError::UnknownJob(id))?;
    let stored = job.traceparent.as_deref().and_then(|text| text.parse::<TraceParent>().ok());
    let parent = stored.unwrap_or_else(|| TraceParent::of_job(id.0, job.created_at));
    let mut attempts = attempts(conn, &job).await?;
    trace(&mut attempts, id, parent, stored.is_some());
    let logs = logs(conn, id).await?;
    let trace = parent.trace_id_hex();
    let mut parent = None;
    let mut children = Vec::new();
    for line in family(conn, &job).await? {
        if Some(line.id.0) == job.parent {
            parent = Some(line);
        } else {
            children.push(line);
        }
    }
    Ok(JobDetail { job, trace, attempts, logs, parent, children })
}

async fn row(conn: &mut PgConnection, id: JobId) -> Result<Option<JobRow>, sqlx::Error> {
    sqlx::query_as!(
        JobRow,
        r#"
        SELECT jobs.id AS "id: JobId", state AS "state: JobState", kind, queue, priority AS "priority: Priority",
               tenant AS "tenant: OrgId", jobs.version, payload, epoch, attempt, losses, republished, created_at, run_at,
               queued_at, jobs.started_at, finished_at, cancel_at, unique_key, unique_until, progress, progress_text,
               result, error, fingerprint, reason AS "reason: Reason", traceparent, worker, workers.name AS "worker_name?", parent
        FROM jobs
        LEFT JOIN workers ON workers.id = jobs.worker
        WHERE jobs.id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

async fn attempts(conn: &mut PgConnection, job: &JobRow) -> Result<Vec<AttemptView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT attempt, epoch, outcome, workers.name AS "worker?", job_attempts.started_at, ended_at, error
        FROM job_attempts
        LEFT JOIN workers ON workers.id = job_attempts.worker
        WHERE job = $1
        ORDER BY epoch
        "#,
        job.id.0,
    )
    .fetch_all(conn)
    .await?;
    let mut attempts: Vec<_> = rows
        .into_iter()
        .map(|row| AttemptView {
            attempt: row.attempt,
            epoch: row.epoch,
            outcome: row.outcome,
            worker: row.worker,
            started_at: row.started_at,
            ended_at: Some(row.ended_at),
            error: row.error,
            span: String::new(),
            parent_span: None,
            links: Vec::new(),
        })
        .collect();
    // An attempt that still runs, or that succeeded, is in the row alone.
    let outcome = match job.state {
        JobState::Running => Some("running"),
        JobState::Succeeded => Some("succeeded"),
        _ => None,
    };
    if let Some(outcome) = outcome {
        attempts.push(AttemptView {
            attempt: job.attempt,
            epoch: job.epoch,
            outcome: outcome.to_owned(),
            worker: job.worker_name.clone().or_else(|| job.worker.map(|id| format!("worker {id}"))),
            started_at: job.started_at,
            ended_at: job.finished_at,
            error: None,
            span: String::new(),
            parent_span: None,
            links: Vec::new(),
        });
    }
    Ok(attempts)
}

/// Gives the attempts their spans, which follow from the job's trace.
fn trace(attempts: &mut [AttemptView], job: JobId, parent: TraceParent, has_parent: bool) {
    let mut first: Option<String> = None;
    for attempt in attempts {
        attempt.span = parent.attempt(job.0, attempt.epoch).span_id_hex();
        if let Some(first) = &first {
            attempt.links = vec![first.clone()];
        } else {
            attempt.parent_span = has_parent.then(|| parent.span_id_hex());
            first = Some(attempt.span.clone());
        }
    }
}

async fn logs(conn: &mut PgConnection, id: JobId) -> Result<Vec<LogLine>, sqlx::Error> {
    let mut lines = sqlx::query_as!(
        LogLine,
        r#"
        SELECT attempt, at, line
        FROM job_logs
        WHERE job = $1
        ORDER BY id DESC
        LIMIT $2
        "#,
        id.0,
        SHOWN,
    )
    .fetch_all(conn)
    .await?;
    lines.reverse();
    Ok(lines)
}

async fn family(conn: &mut PgConnection, job: &JobRow) -> Result<Vec<JobLine>, sqlx::Error> {
    // The parent is never cut off by its many children.
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1 OR parent = $2 ORDER BY id <> $1, id DESC LIMIT $3");
    let lines = sqlx::query_as(AssertSqlSafe(sql)).bind(job.parent).bind(job.id).bind(SHOWN + 1);
    lines.fetch_all(conn).await
}

#[cfg(test)]
mod tests;
