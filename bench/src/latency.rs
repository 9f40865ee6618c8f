//! How late things start: a job on an idle system, and an auction's end.

use std::time::Duration;

use chrono::TimeDelta;
use jobs::auctions::CloseAuction;
use market::auctions::model::NewAuction;
use market::auctions::store;
use market::listings::model::SaleMode;
use market::testing;
use queue::Ledger;
use queue::enqueue::Enqueue;
use queue::transport::Transport;
use shared::config::Config;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::drain::{reset, start, until_working};
use crate::noop::{self, Noop};
use crate::processes::Part;

/// Milliseconds: half of the samples are below the first, 99 of 100 below the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// From a job's commit to its handler's start, one job at a time on an idle system.
pub(crate) async fn idle(
    config: &Config,
    pool: &PgPool,
    transport: Transport,
    samples: i64,
) -> anyhow::Result<Latency> {
    reset(pool, transport, false).await?;
    let (scheduler, worker) = start(pool).await?;
    let stop = CancellationToken::new();
    let ledger = noop::ledger(config, &stop)?;
    one_by_one(&ledger, 50).await?;
    sqlx::query("TRUNCATE jobs").execute(pool).await?;
    one_by_one(&ledger, samples).await?;
    let waits = "
        SELECT extract(epoch FROM started_at - created_at)::double precision * 1000 AS ms
        FROM jobs
        WHERE state = 'succeeded'
          AND started_at IS NOT NULL";
    let latency = percentiles(pool, waits).await?;
    stop.cancel();
    worker.stop().await;
    scheduler.stop().await;
    Ok(latency)
}

async fn one_by_one(ledger: &Ledger, count: i64) -> anyhow::Result<()> {
    for n in 0..count {
        ledger.enqueue(&Noop { n }).await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}

/// From an auction's end to its closing, with the scheduler's timers and the real
/// `worker-auctions`: `count` auctions that end one after the other within a few seconds.
pub(crate) async fn closing(config: &Config, pool: &PgPool, count: i32) -> anyhow::Result<Latency> {
    sqlx::query("TRUNCATE jobs, job_attempts, job_logs, workers, queue_status, local_messages, queues")
        .execute(pool)
        .await?;
    let (scheduler, worker) = (Part::program("scheduler")?, Part::program("worker-auctions")?);
    until_working(pool).await?;
    let stop = CancellationToken::new();
    let ledger = noop::ledger(config, &stop)?;
    let mut conn = pool.acquire().await?;
    let seller = testing::trader(&mut conn).await;
    let first = testing::database_time(&mut conn).await + TimeDelta::seconds(5);
    let terms = testing::terms(&mut conn).await;
    let mut ids = Vec::new();
    for n in 0..count {
        let mut tx = ledger.begin().await?;
        let listing = testing::listing(&mut tx, seller, SaleMode::Auction, 1).await;
        let terms = NewAuction { ends_at: first + TimeDelta::milliseconds(i64::from(n) * 20), ..terms.clone() };
        let auction = store::create(&mut tx, seller.org, seller.user, listing, &terms).await?;
        let _ = tx.enqueue_with(Enqueue::new(&CloseAuction { auction }).run_at(terms.ends_at)).await?;
        tx.commit().await?;
        ids.push(auction);
    }
    let open = "SELECT EXISTS (SELECT FROM auctions WHERE closed_at IS NULL AND seller_org_id = $1)";
    for _ in 0..600 {
        if !sqlx::query_scalar::<_, bool>(open).bind(seller.org).fetch_one(pool).await? {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let closed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM auctions WHERE closed_at IS NOT NULL AND seller_org_id = $1")
            .bind(seller.org)
            .fetch_one(pool)
            .await?;
    anyhow::ensure!(closed == i64::from(count), "{closed} of {count} auctions were closed");
    let latency = percentiles(
        pool,
        "SELECT extract(epoch FROM closed_at - ends_at)::double precision * 1000 AS ms FROM auctions WHERE closed_at IS NOT NULL",
    )
    .await?;
    stop.cancel();
    worker.stop().await;
    scheduler.stop().await;
    Ok(latency)
}

async fn percentiles(pool: &PgPool, waits: &'static str) -> anyhow::Result<Latency> {
    let query = format!(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)
         FROM ({waits}) AS waits"
    );
    let (p50_ms, p99_ms): (f64, f64) = sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_one(pool).await?;
    Ok(Latency { p50_ms, p99_ms })
}
