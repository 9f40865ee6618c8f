//! The measurements themselves.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use jobs::Ledger;
use jobs::kit::enqueue::{Enqueue, enqueue_all};
use jobs::kit::job::Carrier;
use sqlx::PgPool;

use crate::noop::{Noop, QUEUE};
use crate::processes::Part;

const BULK: usize = 10_000;

/// Empties the ledger and sets the queue up on `carrier`, paused or not.
pub(crate) async fn reset(pool: &PgPool, carrier: Carrier, paused: bool) -> anyhow::Result<()> {
    sqlx::query("TRUNCATE jobs, job_attempts, job_logs, workers, queue_status, local_messages").execute(pool).await?;
    sqlx::query(
        r"
        INSERT INTO queues (name, transport, paused)
        VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET transport = $2, paused = $3
        ",
    )
    .bind(QUEUE.name)
    .bind(carrier.name())
    .bind(paused)
    .execute(pool)
    .await?;
    Ok(())
}

/// Inserts `count` jobs in statements of 10,000; returns jobs per second.
pub(crate) async fn enqueue_bulk(pool: &PgPool, count: i64) -> anyhow::Result<f64> {
    let jobs: Vec<Enqueue> = (0..count).map(|n| Enqueue::new(&Noop { n })).collect();
    let started = Instant::now();
    for batch in jobs.chunks(BULK) {
        let mut tx = pool.begin().await?;
        enqueue_all(&mut tx, batch).await?;
        tx.commit().await?;
    }
    Ok(per_second(count, started.elapsed()))
}

/// One durable transaction with a business row and a job each, from `callers` at once; returns transactions per second.
pub(crate) async fn enqueue_single(ledger: &Ledger, callers: i64, each: i64) -> anyhow::Result<f64> {
    sqlx::query("CREATE UNLOGGED TABLE IF NOT EXISTS bench_rows (n bigint)").execute(ledger.pool()).await?;
    sqlx::query("ALTER TABLE bench_rows SET LOGGED").execute(ledger.pool()).await?;
    let started = Instant::now();
    try_join_all((0..callers).map(|_| {
        let ledger = ledger.clone();
        async move {
            tokio::spawn(async move {
                for n in 0..each {
                    let mut tx = ledger.begin().await?;
                    sqlx::query("INSERT INTO bench_rows VALUES ($1)").bind(n).execute(&mut *tx).await?;
                    tx.enqueue(&Noop { n }).await?;
                    tx.commit().await?;
                }
                Ok::<_, anyhow::Error>(())
            })
            .await?
        }
    }))
    .await?;
    let rate = per_second(callers * each, started.elapsed());
    sqlx::query("DROP TABLE bench_rows").execute(ledger.pool()).await?;
    Ok(rate)
}

/// What a drain showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) per_s: f64,
    pub(crate) worker_mb: f64,
    pub(crate) scheduler_mb: f64,
}

/// Runs `count` waiting jobs to their end through `carrier`, from the moment the queue is opened.
pub(crate) async fn drain(pool: &PgPool, carrier: Carrier, count: i64) -> anyhow::Result<Drain> {
    reset(pool, carrier, true).await?;
    enqueue_bulk(pool, count).await?;
    let (scheduler, worker) = start(pool).await?;
    let started = Instant::now();
    sqlx::query("UPDATE queues SET paused = false WHERE name = $1").bind(QUEUE.name).execute(pool).await?;
    let left = r"
        SELECT EXISTS (SELECT FROM jobs WHERE queue = $1 AND state IN ('queued', 'running'))
            OR EXISTS (SELECT FROM jobs WHERE queue = $1 AND state = 'available')";
    while sqlx::query_scalar(left).bind(QUEUE.name).fetch_one(pool).await? {
        anyhow::ensure!(started.elapsed() < Duration::from_mins(5), "the queue does not drain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = started.elapsed();
    let drain = Drain {
        per_s: per_second(count, took),
        worker_mb: worker.resident_mb().unwrap_or(0.0),
        scheduler_mb: scheduler.resident_mb().unwrap_or(0.0),
    };
    worker.stop().await;
    scheduler.stop().await;
    let succeeded: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'succeeded'").fetch_one(pool).await?;
    anyhow::ensure!(succeeded == count, "{succeeded} of {count} jobs succeeded");
    Ok(drain)
}

/// Starts scheduler and worker and waits until both work.
pub(crate) async fn start(pool: &PgPool) -> anyhow::Result<(Part, Part)> {
    let scheduler = Part::start("scheduler", &[])?;
    let worker = Part::start("worker", &[])?;
    let ready = "SELECT EXISTS (SELECT FROM workers) AND EXISTS (SELECT FROM queue_status)";
    let started = Instant::now();
    while !sqlx::query_scalar::<_, bool>(ready).fetch_one(pool).await? {
        anyhow::ensure!(started.elapsed() < Duration::from_secs(20), "worker and scheduler do not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The consumer's subscription and the first heartbeat.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    Ok((scheduler, worker))
}

/// Milliseconds from a job's commit to its handler's start, one job at a time on an idle system: p50 and p99.
pub(crate) async fn idle_latency(ledger: &Ledger, samples: i64) -> anyhow::Result<(f64, f64)> {
    for n in 0..samples {
        ledger.enqueue(&Noop { n }).await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let row: (Option<f64>, Option<f64>) = sqlx::query_as(
        r"
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)
        FROM (
            SELECT extract(epoch FROM started_at - created_at)::double precision * 1000 AS ms
            FROM jobs
            WHERE state = 'succeeded'
              AND started_at IS NOT NULL
        ) AS waits",
    )
    .fetch_one(ledger.pool())
    .await?;
    Ok((row.0.unwrap_or(f64::NAN), row.1.unwrap_or(f64::NAN)))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_second(count: i64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
