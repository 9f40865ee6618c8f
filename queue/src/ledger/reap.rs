//! Jobs whose worker is gone, and jobs whose message is gone.

use chrono::{DateTime, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;

use crate::ticket::Ticket;

/// A worker whose lease ran out.
#[derive(Clone, Debug)]
pub struct DeadWorker {
    pub id: i64,
    pub name: String,
    pub queues: Vec<String>,
}

/// The database's time.
pub async fn clock(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await
}

/// When a worker last renewed its lease. By the database's clock, which may be set at any time: it is compared with what was
/// seen before, and never with the time.
#[derive(Clone, Copy, Debug)]
pub struct SignOfLife {
    pub worker: i64,
    pub at: DateTime<Utc>,
    /// A neighbour saw that its process has ended.
    pub ended: bool,
}

/// The last signs of life of the workers that have not signed off.
pub async fn signs_of_life(conn: &mut PgConnection) -> Result<Vec<SignOfLife>, sqlx::Error> {
    sqlx::query_as!(
        SignOfLife,
        r#"
        SELECT id AS worker, seen_at AS at, lease_until <= to_timestamp(0) AS "ended!"
        FROM workers
        WHERE stopped_at IS NULL
        "#,
    )
    .fetch_all(conn)
    .await
}

/// Which of these workers' rows somebody holds: they cannot renew their leases, however much they live.
pub async fn held(conn: &mut PgConnection, workers: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        WITH free AS (
            SELECT id
            FROM workers
            WHERE id = ANY ($1)
            FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT id
        FROM workers
        WHERE id = ANY ($1)
          AND id NOT IN (SELECT id FROM free)
        "#,
        workers,
    )
    .fetch_all(conn)
    .await
}

/// Declares workers dead that have given no sign of life since those. From here on they cannot renew their leases. Nothing else makes a
/// worker dead: one that is late may still renew. Does nothing when it comes to run more than `patience` seconds after `asked_at`: the
/// database was frozen or cut off meanwhile, and with it everybody's renewals.
pub async fn expire(
    conn: &mut PgConnection,
    silent: &[SignOfLife],
    asked_at: DateTime<Utc>,
    patience: f64,
) -> Result<Vec<DeadWorker>, sqlx::Error> {
    let ids: Vec<_> = silent.iter().map(|sign| sign.worker).collect();
    let seen: Vec<_> = silent.iter().map(|sign| sign.at).collect();
    sqlx::query_as!(
        DeadWorker,
        r#"
        UPDATE workers
        SET stopped_at = clock_timestamp(), running = 0
        FROM (
            SELECT workers.id
            FROM unnest($1::bigint[], $2::timestamptz[]) AS silent (id, seen_at)
            JOIN workers ON workers.id = silent.id
            WHERE stopped_at IS NULL
              AND workers.seen_at = silent.seen_at
              AND clock_timestamp() < $3::timestamptz + $4::double precision * interval '1 second'
            FOR NO KEY UPDATE OF workers SKIP LOCKED
        ) AS dead
        WHERE workers.id = dead.id
        RETURNING workers.id, name, queues
        "#,
        &ids,
        &seen,
        asked_at,
        patience,
    )
    .fetch_all(conn)
    .await
}

/// Brings jobs forward that would wait for longer than they were meant to, because the clock was set back since: they wait as long as
/// they were meant to, from now. Returns how many; there may be more than `most`. What is due at a time of the calendar keeps it.
pub async fn bring_forward(conn: &mut PgConnection, most: i64) -> Result<u64, sqlx::Error> {
    let moved = sqlx::query!(
        r#"
        UPDATE jobs
        SET run_at = clock_timestamp() + delay * interval '1 second'
        FROM (
            SELECT id
            FROM jobs
            WHERE state = 'scheduled'
              AND run_at > clock_timestamp() + (delay + 2) * interval '1 second'
            ORDER BY run_at
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ) AS late
        WHERE jobs.id = late.id
        "#,
        most,
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected())
}

/// A running job that no living worker holds.
#[derive(Clone, Debug)]
pub struct Lost {
    pub job: JobId,
    pub kind: String,
    pub attempt: i32,
    /// How many workers in a row were lost with it before.
    pub losses: i16,
    /// When it was first due.
    pub due_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

/// Locks and returns up to `most` lost jobs.
pub async fn lost(conn: &mut PgConnection, most: i64) -> Result<Vec<Lost>, sqlx::Error> {
    sqlx::query_as!(
        Lost,
        r#"
        SELECT
            id AS "job: JobId", kind, attempt, losses, greatest(coalesce(due_at, run_at), created_at) AS "due_at!",
            clock_timestamp() AS "now!"
        FROM jobs AS job
        WHERE state IN ('queued', 'running')
          AND state = 'running'
          AND NOT EXISTS (
              SELECT FROM workers
              WHERE workers.id = job.worker
                AND stopped_at IS NULL
          )
        ORDER BY id
        LIMIT $1
        FOR UPDATE OF job SKIP LOCKED
        "#,
        most,
    )
    .fetch_all(conn)
    .await
}

/// What becomes of a lost job.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub job: JobId,
    /// `None`: quarantined as dead.
    pub delay: Option<f64>,
    pub error: String,
    pub fingerprint: String,
}

/// What became of a lost job.
#[derive(Clone, Debug)]
pub struct TakenBack {
    pub kind: String,
    /// `lost` when it runs again, otherwise `dead` or `cancelled`.
    pub outcome: String,
}

/// Takes lost jobs back and writes the loss into their history. The caller holds their locks from [`lost`].
pub async fn take_back(conn: &mut PgConnection, verdicts: &[Verdict]) -> Result<Vec<TakenBack>, sqlx::Error> {
    let ids: Vec<_> = verdicts.iter().map(|verdict| verdict.job.0).collect();
    let delays: Vec<_> = verdicts.iter().map(|verdict| verdict.delay).collect();
    let errors: Vec<_> = verdicts.iter().map(|verdict| verdict.error.clone()).collect();
    let prints: Vec<_> = verdicts.iter().map(|verdict| verdict.fingerprint.clone()).collect();
    sqlx::query_as!(
        TakenBack,
        r#"
        WITH verdict AS (
            SELECT
                given.*, job.epoch, job.attempt, job.worker, job.started_at,
                CASE
                    WHEN job.cancel_at IS NOT NULL THEN 'cancelled'
                    WHEN given.delay IS NULL THEN 'dead'
                    WHEN given.delay > 0 THEN 'scheduled'
                    ELSE 'available'
                END AS next
            FROM unnest($1::bigint[], $2::double precision[], $3::text[], $4::text[])
                AS given (id, delay, error, fingerprint)
            JOIN jobs AS job ON job.id = given.id
            WHERE job.state = 'running'
        ), history AS (
            INSERT INTO job_attempts (job, epoch, attempt, outcome, worker, started_at, ended_at, error, fingerprint)
            SELECT id, epoch, attempt, 'lost', worker, started_at, clock_timestamp(), error, fingerprint
            FROM verdict
            ON CONFLICT (job, epoch) DO NOTHING
        )
        UPDATE jobs
        SET state = next::job_state,
            losses = losses + 1,
            due_at = coalesce(due_at, run_at),
            run_at = CASE
                WHEN next = 'scheduled' THEN clock_timestamp() + verdict.delay * interval '1 second'
                ELSE run_at
            END,
            delay = verdict.delay,
            finished_at = CASE WHEN next IN ('cancelled', 'dead') THEN clock_timestamp() END,
            error = verdict.error,
            reason = 'worker_lost',
            fingerprint = verdict.fingerprint,
            unique_key = CASE WHEN next IN ('cancelled', 'dead') AND unique_until IS NULL THEN NULL ELSE unique_key END
        FROM verdict
        WHERE jobs.id = verdict.id
        RETURNING jobs.kind, CASE WHEN next IN ('cancelled', 'dead') THEN next ELSE 'lost' END AS "outcome!"
        "#,
        &ids,
        &delays as &[Option<f64>],
        &errors,
        &prints,
    )
    .fetch_all(conn)
    .await
}

/// How many jobs of a queue wait in the broker, and for how many seconds the oldest does.
pub async fn queued(conn: &mut PgConnection, queue: &str) -> Result<(i64, f64), sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) AS "count!",
            -- A time that has not come yet is from before the clock was set back: nobody knows how long ago.
            CASE
                WHEN max(queued_at) > clock_timestamp() + interval '2 seconds' THEN 3600
                ELSE coalesce(extract(epoch FROM clock_timestamp() - min(queued_at)), 0)::double precision
            END AS "oldest!"
        FROM jobs
        WHERE queue = $1
          AND state IN ('queued', 'running')
          AND state = 'queued'
        "#,
        queue,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.oldest))
}

/// For how long a job may be queued before its message is sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overdue {
    /// In seconds; doubled with every earlier repeat, so that a broker that only counts what waits (and not what a slow
    /// worker has in hand) is not flooded.
    pub age: f64,
    /// The doubling ends here, in seconds: after a long fault, too, every job goes on within a minute.
    pub most: f64,
    /// Only when a job that was queued later was taken already. Brokers keep the order: what was not overtaken just waits.
    pub overtaken: bool,
}

/// The tickets of jobs that are overdue. They count as sent again: the caller publishes them.
pub async fn repeat(conn: &mut PgConnection, queue: &str, overdue: Overdue) -> Result<Vec<Ticket>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        UPDATE jobs
        SET queued_at = clock_timestamp(), republished = least(republished + 1, 100)
        FROM (
            SELECT id
            FROM jobs
            WHERE queue = $1
              AND state IN ('queued', 'running')
              AND state = 'queued'
              AND (
                  queued_at < clock_timestamp()
                      - least($2::double precision * power(2, least(republished, 6)), $3) * interval '1 second'
                  -- From before the clock was set back.
                  OR queued_at > clock_timestamp() + interval '2 seconds'
              )
              AND (
                  NOT $4
                  OR queued_at > clock_timestamp() + interval '2 seconds'
                  -- Two publishes may be under way at once, so that a second of disorder says nothing.
                  OR queued_at < (
                      SELECT max(queued_at)
                      FROM jobs
                      WHERE queue = $1
                        AND state IN ('queued', 'running')
                        AND state = 'running'
                  ) - interval '1 second'
              )
            ORDER BY id
            LIMIT 4000
            FOR UPDATE SKIP LOCKED
        ) AS missing
        WHERE jobs.id = missing.id
        RETURNING jobs.id, jobs.epoch
        "#,
        queue,
        overdue.age,
        overdue.most,
        overdue.overtaken,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Ticket { job: JobId(row.id), epoch: row.epoch }).collect())
}

/// Deletes up to `most` finished jobs older than the given hours, with their attempts and lines; returns how many.
pub async fn prune(
    conn: &mut PgConnection,
    finished_hours: f64,
    dead_hours: f64,
    after: i64,
    most: i64,
) -> Result<(u64, Option<i64>), sqlx::Error> {
    // Ids follow creation: walking them once in batches needs no index of finished rows.
    let row = sqlx::query!(
        r#"
        WITH page AS (
            SELECT id, state, finished_at
            FROM jobs
            WHERE id > $3
            ORDER BY id
            LIMIT $4
        ), past AS (
            SELECT jobs.id
            FROM jobs
            JOIN page ON page.id = jobs.id
            WHERE jobs.state = page.state
              AND (
                  (page.state IN ('succeeded', 'cancelled')
                      AND page.finished_at < clock_timestamp() - $1::double precision * interval '1 hour')
                  OR (page.state = 'dead'
                      AND page.finished_at < clock_timestamp() - $2::double precision * interval '1 hour')
              )
            FOR UPDATE OF jobs SKIP LOCKED
        ), old AS (
            DELETE FROM jobs
            USING past
            WHERE jobs.id = past.id
            RETURNING jobs.id
        ), attempts AS (
            DELETE FROM job_attempts WHERE job IN (SELECT id FROM old)
        ), lines AS (
            DELETE FROM job_logs WHERE job IN (SELECT id FROM old)
        )
        SELECT (SELECT count(*) FROM old) AS "deleted!", (SELECT max(id) FROM page) AS last
        "#,
        finished_hours,
        dead_hours,
        after,
        most,
    )
    .fetch_one(conn)
    .await?;
    Ok((u64::try_from(row.deleted).unwrap_or(0), row.last))
}

/// Forgets workers that stopped more than a week ago; returns how many. A job that still names one of them says so.
pub async fn forget_workers(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query!("DELETE FROM workers WHERE stopped_at < clock_timestamp() - interval '7 days'",)
        .execute(conn)
        .await?;
    Ok(forgotten.rows_affected())
}
