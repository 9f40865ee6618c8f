//! The workers' rows: who is there, until when its lease runs, and which jobs it holds.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;

use crate::ticket::Ticket;

/// How long a worker may stay silent before its jobs go to others.
pub(crate) const LEASE: Duration = Duration::from_secs(15);

/// What a process says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub name: String,
    pub pool: String,
    pub host: String,
    pub pid: i32,
    /// Where the process id means something, see `worker::neighbours`.
    pub place: Option<String>,
    pub version: String,
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub concurrency: i32,
}

/// Inserts the worker's row with a fresh lease; returns its id.
pub(crate) async fn register(conn: &mut PgConnection, this: &Registration) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO workers (name, pool, host, pid, place, version, queues, kinds, concurrency, lease_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() + $10::double precision * interval '1 second')
        RETURNING id
        "#,
        this.name,
        this.pool,
        this.host,
        this.pid,
        this.place.as_deref(),
        this.version,
        &this.queues,
        &this.kinds,
        this.concurrency,
        LEASE.as_secs_f64(),
    )
    .fetch_one(conn)
    .await
}

/// Renews the lease; `false` when it is already lost. A lease that has passed is lost only once the reaper says so: after an
/// outage of the database every worker is late, and none is dead.
pub(crate) async fn renew(
    conn: &mut PgConnection,
    worker: i64,
    running: i32,
    run_micros: &serde_json::Value,
) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query!(
        r#"
        UPDATE workers
        SET seen_at = clock_timestamp(), running = $2, run_micros = $3,
            lease_until = clock_timestamp() + $4::double precision * interval '1 second'
        WHERE id = $1
          AND stopped_at IS NULL
        "#,
        worker,
        running,
        run_micros,
        LEASE.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Whether the worker still has its lease: the reaper has not found it expired. Reads past whoever holds the row.
pub(crate) async fn has_lease(conn: &mut PgConnection, worker: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM workers WHERE id = $1 AND stopped_at IS NULL) AS "has_lease!""#,
        worker,
    )
    .fetch_one(conn)
    .await
}

/// The workers of this place that have not signed off, with their process ids.
pub(crate) async fn neighbours(conn: &mut PgConnection, place: &str) -> Result<Vec<(i64, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT id, pid
        FROM workers
        WHERE stopped_at IS NULL
          AND place = $1
        "#,
        place,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.pid)).collect())
}

/// Ends the leases of workers whose processes are gone, but for those whose rows somebody holds: the reaper takes their jobs back at
/// its next look. Not by the time now, which
/// a clock that is set back would put into the future.
pub(crate) async fn report_ended(conn: &mut PgConnection, workers: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE workers
        SET lease_until = to_timestamp(0)
        FROM (
            SELECT id
            FROM workers
            WHERE id = ANY ($1)
              AND stopped_at IS NULL
              AND lease_until > to_timestamp(0)
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS ended
        WHERE workers.id = ended.id
        "#,
        workers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says that the worker is gone on purpose.
pub(crate) async fn stop(conn: &mut PgConnection, worker: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE workers SET stopped_at = clock_timestamp(), running = 0 WHERE id = $1 AND stopped_at IS NULL",
        worker,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The jobs of this worker that somebody asked to cancel.
pub(crate) async fn cancelling(conn: &mut PgConnection, worker: i64) -> Result<Vec<JobId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM jobs
        WHERE worker = $1
          AND state = 'running'
          AND cancel_at IS NOT NULL
        "#,
        worker,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(JobId).collect())
}

/// A job that the ledger says this worker runs.
#[derive(Debug)]
pub(crate) struct HeldJob {
    pub(crate) ticket: Ticket,
    pub(crate) kind: String,
    pub(crate) started_at: DateTime<Utc>,
}

/// The jobs that the ledger says this worker runs for longer than `age`.
pub(crate) async fn held_since(
    conn: &mut PgConnection,
    worker: i64,
    queues: &[String],
    age: Duration,
) -> Result<Vec<HeldJob>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT id, epoch, kind, started_at AS "started_at!"
        FROM jobs
        WHERE queue = ANY ($2)
          AND state IN ('queued', 'running')
          AND state = 'running'
          AND worker = $1
          AND (
              started_at < clock_timestamp() - $3::double precision * interval '1 second'
              -- From before the clock was set back.
              OR started_at > clock_timestamp() + interval '2 seconds'
          )
        "#,
        worker,
        queues,
        age.as_secs_f64(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| HeldJob {
            ticket: Ticket { job: JobId(row.id), epoch: row.epoch },
            kind: row.kind,
            started_at: row.started_at,
        })
        .collect())
}
