//! Taking a job over from a broker message. A stale or repeated ticket claims nothing.
//!
//! The state is compared as text on purpose: compared as itself, the planner may prove that the partial index of all jobs in
//! flight applies, and walk it for every group instead of looking up the ids. On a freshly analysed table that made a claim a
//! hundred times slower.
//!
//! A claim is not flushed to disk before it is answered. If the server crashes and forgets it, the job is still queued, and the
//! finish of the attempt that was forgotten is refused.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;

use super::reason::Reason;
use crate::ticket::Ticket;

/// A job that this worker now holds.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub ticket: Ticket,
    /// Under which id: the process may have got another one meanwhile.
    pub worker: i64,
    pub kind: String,
    pub version: i16,
    pub payload: Value,
    /// Counted from 1.
    pub attempt: i32,
    pub tenant: Option<OrgId>,
    pub created_at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    /// When it was due before its first failure.
    pub due_at: DateTime<Utc>,
    /// `None` when its message was lost and sent again: how long it took then says nothing about the dispatcher.
    pub queued_at: Option<DateTime<Utc>>,
    pub started_at: DateTime<Utc>,
    pub traceparent: Option<String>,
}

/// Claims what is still `queued` under these tickets and whose queue is not paused.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    worker: i64,
    tickets: &[Ticket],
) -> Result<Vec<Claimed>, sqlx::Error> {
    let (ids, epochs) = columns(tickets);
    let rows = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'running', worker = $3, attempt = attempt + 1, started_at = clock_timestamp(), progress = NULL,
            progress_text = NULL
        FROM unnest($1::bigint[], $2::integer[]) AS ticket (id, epoch),
            (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed (setting)
        WHERE jobs.id = ticket.id
          AND jobs.epoch = ticket.epoch
          AND jobs.state::text = 'queued'
          AND relaxed.setting = 'off'
          AND jobs.queue <> ALL (ARRAY(SELECT name FROM queues WHERE paused))
        RETURNING
            jobs.id, jobs.epoch, kind, version, payload, attempt, tenant, created_at, run_at,
            coalesce(due_at, run_at) AS "due_at!", CASE WHEN republished = 0 THEN queued_at END AS queued_at,
            started_at AS "started_at!", traceparent
        "#,
        &ids,
        &epochs,
        worker,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            ticket: Ticket { job: JobId(row.id), epoch: row.epoch },
            worker,
            kind: row.kind,
            version: row.version,
            payload: row.payload,
            attempt: row.attempt,
            tenant: row.tenant.map(OrgId),
            created_at: row.created_at,
            run_at: row.run_at,
            due_at: row.due_at,
            queued_at: row.queued_at,
            started_at: row.started_at,
            traceparent: row.traceparent,
        })
        .collect())
}

/// Puts tickets that were handed over but not claimed back in line, for a worker that shuts down, a pause, or a broker that
/// did not take them. A job whose row somebody holds is left to the reconciler.
pub async fn release(conn: &mut PgConnection, tickets: &[Ticket], reason: Reason) -> Result<u64, sqlx::Error> {
    let (ids, epochs) = columns(tickets);
    let released = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'available', queued_at = NULL, reason = $3
        FROM (
            SELECT jobs.id
            FROM unnest($1::bigint[], $2::integer[]) AS ticket (id, epoch)
            JOIN jobs ON jobs.id = ticket.id
            WHERE jobs.epoch = ticket.epoch
              AND jobs.state::text = 'queued'
            FOR NO KEY UPDATE OF jobs SKIP LOCKED
        ) AS free
        WHERE jobs.id = free.id
        "#,
        &ids,
        &epochs,
        reason as Reason,
    )
    .execute(conn)
    .await?;
    Ok(released.rows_affected())
}

/// Sorted by id, so that concurrent statements lock rows in one order.
fn columns(tickets: &[Ticket]) -> (Vec<i64>, Vec<i32>) {
    let mut sorted: Vec<_> = tickets.iter().map(|ticket| (ticket.job.0, ticket.epoch)).collect();
    sorted.sort_unstable();
    sorted.into_iter().unzip()
}
