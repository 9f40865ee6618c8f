//! What the ledger, the queue's settings, its dispatcher and its workers say about one job, read in one snapshot.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;

use super::super::JobState;
use crate::ledger::reason::Reason;
use crate::ledger::window;
use crate::transport::Transport;

pub(super) struct Facts {
    pub(super) now: DateTime<Utc>,
    pub(super) id: JobId,
    pub(super) state: JobState,
    pub(super) queue: String,
    pub(super) priority: i16,
    pub(super) tenant: Option<OrgId>,
    pub(super) attempt: i32,
    pub(super) run_at: DateTime<Utc>,
    pub(super) queued_at: Option<DateTime<Utc>>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) cancel_at: Option<DateTime<Utc>>,
    pub(super) error: Option<String>,
    pub(super) version: i16,
    pub(super) reason: Option<Reason>,
    pub(super) worker_name: Option<String>,
    /// The worker that runs it has not stopped and its lease has not passed.
    pub(super) worker_holds: bool,
    /// `None`, like the other settings: the queue has no row yet, because no scheduler has ever run.
    pub(super) paused: Option<bool>,
    pub(super) transport: Option<String>,
    max_inflight: Option<i32>,
    pub(super) concurrency_limit: Option<i32>,
    pub(super) rate_per_second: Option<f64>,
    pub(super) rate_burst: Option<f64>,
    pub(super) rate_tokens: Option<f64>,
    pub(super) rate_filled_at: Option<DateTime<Utc>>,
    pub(super) changed_at: Option<DateTime<Utc>>,
    pub(super) dispatcher_seen_at: Option<DateTime<Utc>>,
    pub(super) broker_error: Option<String>,
    pub(super) queued: i64,
    pub(super) running: i64,
    /// Live workers that serve the queue.
    pub(super) serving_queue: i64,
    /// The places of live workers that serve the queue and know the kind.
    pub(super) slots: i64,
    /// The places of all live workers that serve the queue.
    queue_slots: Option<i64>,
    /// Mean run time of the queue's jobs, as its workers report it.
    run_micros: Option<f64>,
}

impl Facts {
    pub(super) fn transport(&self) -> Transport {
        self.transport.as_deref().and_then(|name| name.parse().ok()).unwrap_or(Transport::Local)
    }

    /// How many jobs may be queued or running now, as the dispatcher counts it.
    pub(super) fn window(&self) -> Option<i32> {
        let most = i64::from(self.max_inflight?);
        i32::try_from(window::effective(most, self.queue_slots.unwrap_or(0), self.run_micros)).ok()
    }

    /// How many jobs may be queued by the rate limit, as the dispatcher counts it.
    pub(super) fn most_queued(&self) -> Option<i64> {
        Some(window::at_rate(self.rate_per_second?, self.rate_burst.unwrap_or(1.0)))
    }

    /// How many jobs may leave now: the bucket as it was last written, filled up to this moment.
    pub(super) fn tokens(&self, per_second: f64) -> f64 {
        let filling = self.rate_filled_at.map_or(TimeDelta::zero(), |at| self.now - at).as_seconds_f64().max(0.0);
        (self.rate_tokens.unwrap_or(0.0) + filling * per_second).min(self.rate_burst.unwrap_or(1.0))
    }
}

pub(super) async fn kind_of(conn: &mut PgConnection, job: JobId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT kind FROM jobs WHERE id = $1", job.0).fetch_optional(conn).await
}

pub(super) async fn read(conn: &mut PgConnection, job: JobId, kinds: &[&str]) -> Result<Option<Facts>, sqlx::Error> {
    sqlx::query_as!(
        Facts,
        r#"
        SELECT clock_timestamp() AS "now!", job.id AS "id: JobId", job.state AS "state: JobState", job.queue, job.priority,
               job.tenant AS "tenant: OrgId", job.attempt, job.run_at, job.queued_at, job.started_at, job.finished_at,
               job.cancel_at, left(job.error, 300) AS error, job.version,
               job.reason AS "reason: Reason", worker.name AS "worker_name?",
               coalesce(worker.stopped_at IS NULL AND worker.lease_until > clock_timestamp(), false) AS "worker_holds!",
               paused AS "paused?", transport AS "transport?", max_inflight AS "max_inflight?", concurrency_limit,
               rate_per_second, rate_burst AS "rate_burst?", rate_tokens AS "rate_tokens?",
               rate_filled_at AS "rate_filled_at?", changed_at AS "changed_at?",
               status.seen_at AS "dispatcher_seen_at?", broker_error,
               inflight.queued AS "queued!", inflight.running AS "running!",
               able.workers AS "serving_queue!", able.slots AS "slots!",
               serving.slots AS "queue_slots?", serving.run_micros AS "run_micros?"
        FROM jobs AS job
        LEFT JOIN workers AS worker ON worker.id = job.worker
        LEFT JOIN queues ON queues.name = job.queue
        LEFT JOIN queue_status AS status ON status.queue = job.queue
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
                   count(*) FILTER (WHERE state = 'running') AS running
            FROM jobs
            WHERE queue = job.queue
              AND state IN ('queued', 'running')
        ) AS inflight
        CROSS JOIN LATERAL (
            SELECT count(*) AS workers,
                   coalesce(sum(concurrency) FILTER (WHERE kinds && $2::text[]), 0) AS slots
            FROM workers
            WHERE stopped_at IS NULL
              AND lease_until > clock_timestamp()
              AND job.queue = ANY (queues)
        ) AS able
        LEFT JOIN serving ON serving.queue = job.queue
        WHERE job.id = $1
        "#,
        job.0,
        kinds as &[&str],
    )
    .fetch_optional(conn)
    .await
}

/// The line before a waiting job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// Waiting jobs of higher priority.
    urgent: i64,
    /// Older ones of the same organisation and priority.
    pub(super) own: i64,
    /// Those of other organisations that have their turn before this one's, when the organisations take turns.
    others: i64,
    /// How many would go first by priority and age alone.
    pub(super) older: i64,
    /// Organisations with waiting jobs of this priority.
    pub(super) tenants: i64,
}

impl Ahead {
    /// About how many go first.
    pub(super) fn fair(&self) -> i64 {
        self.urgent + self.own + self.others
    }
}

pub(super) async fn ahead(conn: &mut PgConnection, facts: &Facts) -> Result<Ahead, sqlx::Error> {
    sqlx::query_as!(
        Ahead,
        r#"
        WITH line AS (
            SELECT priority, tenant, count(*) AS jobs, count(*) FILTER (WHERE id < $4) AS older
            FROM jobs
            WHERE state = 'available'
              AND queue = $1
              AND priority <= $2
              AND id <> $4
            GROUP BY priority, tenant
        ), own AS (
            SELECT coalesce(sum(older), 0) AS own
            FROM line
            WHERE priority = $2
              AND tenant IS NOT DISTINCT FROM $3
        )
        SELECT coalesce(sum(jobs) FILTER (WHERE priority < $2), 0)::bigint AS "urgent!",
               own.own::bigint AS "own!",
               -- Before the job's own turn number n, every other organisation has had n turns, if it had as many jobs.
               coalesce(sum(least(jobs, own.own)) FILTER (
                   WHERE priority = $2 AND tenant IS DISTINCT FROM $3
               ), 0)::bigint AS "others!",
               coalesce(sum(CASE WHEN priority < $2 THEN jobs ELSE older END), 0)::bigint AS "older!",
               1 + count(*) FILTER (WHERE priority = $2 AND tenant IS DISTINCT FROM $3) AS "tenants!"
        FROM own
        LEFT JOIN line ON true
        GROUP BY own.own
        "#,
        facts.queue,
        facts.priority,
        facts.tenant.map(|org| org.0),
        facts.id.0,
    )
    .fetch_one(conn)
    .await
}

/// How many messages' jobs of the queue were handed to the broker before this one and are not claimed yet.
pub(super) async fn ahead_in_broker(conn: &mut PgConnection, facts: &Facts) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "ahead!"
        FROM jobs
        WHERE queue = $1
          AND state = 'queued'
          AND (queued_at, id) < ($2, $3)
        "#,
        facts.queue,
        facts.queued_at,
        facts.id.0,
    )
    .fetch_one(conn)
    .await
}
