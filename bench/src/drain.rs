//! Runs waiting jobs to their end, through each transport and over backlogs of every size.

use std::time::{Duration, Instant};

use anyhow::Context;
use queue::transport::Transport;
use secrecy::ExposeSecret;
use shared::config::Config;
use sqlx::PgPool;

use crate::enqueue::enqueue_bulk;
use crate::noop::QUEUE;
use crate::processes::{Part, Servers};
use crate::report::per_second;

const LONGEST: Duration = Duration::from_mins(10);

/// The figures of a drain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) per_s: f64,
    pub(crate) worker_mb: f64,
    pub(crate) scheduler_mb: f64,
    /// The most that Redis held while it carried the jobs; 0 for the others.
    pub(crate) redis_mb: f64,
    pub(crate) cpu: CpuPerJob,
}

/// Microseconds of processor time per job. Two cores have 2,000,000 of them in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuPerJob {
    pub(crate) postgres: f64,
    pub(crate) broker: f64,
    pub(crate) worker: f64,
    pub(crate) scheduler: f64,
}

impl CpuPerJob {
    pub(crate) fn total(&self) -> f64 {
        self.postgres + self.broker + self.worker + self.scheduler
    }
}

/// Empties the ledger and sets the queue up on `transport`, paused or not.
pub(crate) async fn reset(pool: &PgPool, transport: Transport, paused: bool) -> anyhow::Result<()> {
    sqlx::query("TRUNCATE jobs, job_attempts, job_logs, workers, queue_status, local_messages").execute(pool).await?;
    sqlx::query(
        r"
        INSERT INTO queues (name, transport, paused)
        VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET transport = $2, paused = $3
        ",
    )
    .bind(QUEUE.name)
    .bind(transport.name())
    .bind(paused)
    .execute(pool)
    .await?;
    Ok(())
}

/// Runs `count` waiting jobs to their end through `transport`, from the moment the queue is
/// resumed.
pub(crate) async fn drain(config: &Config, pool: &PgPool, transport: Transport, count: i64) -> anyhow::Result<Drain> {
    let redis = config.redis_url.as_ref().filter(|_| transport == Transport::Redis);
    let mut redis = match redis {
        Some(url) => Some(redis::Client::open(url.expose_secret())?.get_multiplexed_async_connection().await?),
        None => None,
    };
    let mut redis_mb: f64 = 0.0;
    reset(pool, transport, true).await?;
    enqueue_bulk(pool, count).await?;
    let (scheduler, worker) = start(pool).await?;
    let (servers, scheduler_cpu, worker_cpu) = (Servers::now()?, scheduler.cpu_seconds()?, worker.cpu_seconds()?);
    let started = Instant::now();
    sqlx::query("UPDATE queues SET paused = false WHERE name = $1").bind(QUEUE.name).execute(pool).await?;
    let left = r"
        SELECT EXISTS (SELECT FROM jobs WHERE queue = $1 AND state IN ('queued', 'running'))
            OR EXISTS (SELECT FROM jobs WHERE queue = $1 AND state = 'available')";
    while sqlx::query_scalar(left).bind(QUEUE.name).fetch_one(pool).await? {
        anyhow::ensure!(started.elapsed() < LONGEST, "the queue does not drain");
        if let Some(redis) = &mut redis {
            redis_mb = redis_mb.max(used_mb(redis).await?);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = started.elapsed();
    let after = Servers::now()?;
    let each = per_second(count, Duration::from_secs(1));
    let micros = |seconds: f64| seconds * 1_000_000.0 / each;
    let drain = Drain {
        per_s: per_second(count, took),
        worker_mb: worker.resident_mb()?,
        scheduler_mb: scheduler.resident_mb()?,
        redis_mb,
        cpu: CpuPerJob {
            postgres: micros(after.postgres - servers.postgres),
            broker: micros(match transport {
                Transport::Redis => after.redis - servers.redis,
                Transport::Rabbit => after.rabbitmq - servers.rabbitmq,
                Transport::Local => 0.0,
            }),
            worker: micros(worker.cpu_seconds()? - worker_cpu),
            scheduler: micros(scheduler.cpu_seconds()? - scheduler_cpu),
        },
    };
    worker.stop().await;
    scheduler.stop().await;
    let succeeded: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'succeeded'").fetch_one(pool).await?;
    anyhow::ensure!(succeeded == count, "{succeeded} of {count} jobs succeeded");
    Ok(drain)
}

async fn used_mb(redis: &mut redis::aio::MultiplexedConnection) -> anyhow::Result<f64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(redis).await?;
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).context("no used_memory")?;
    Ok(used.trim().parse::<f64>()? / 1024.0 / 1024.0)
}

/// Starts scheduler and worker and waits until both work.
pub(crate) async fn start(pool: &PgPool) -> anyhow::Result<(Part, Part)> {
    let scheduler = Part::start("scheduler", &[])?;
    let worker = Part::start("worker", &[])?;
    until_working(pool).await?;
    Ok((scheduler, worker))
}

/// Waits until a worker has registered and a dispatcher leads.
pub(crate) async fn until_working(pool: &PgPool) -> anyhow::Result<()> {
    let ready = "SELECT EXISTS (SELECT FROM workers) AND EXISTS (SELECT FROM queue_status)";
    let started = Instant::now();
    while !sqlx::query_scalar::<_, bool>(ready).fetch_one(pool).await? {
        anyhow::ensure!(started.elapsed() < Duration::from_secs(20), "worker and scheduler do not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Time for the consumer's subscription and the first heartbeat.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    Ok(())
}
