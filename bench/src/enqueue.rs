//! Enqueues jobs: in bulk, and in one durable transaction each.

use std::time::Instant;

use futures::future::try_join_all;
use queue::Ledger;
use queue::enqueue::{Enqueue, enqueue_all};
use sqlx::PgPool;

use crate::noop::Noop;
use crate::report::per_second;

const BULK: usize = 10_000;

/// Inserts `count` jobs in statements of 10,000; returns jobs per second.
pub(crate) async fn enqueue_bulk(pool: &PgPool, count: i64) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut n = 0;
    while n < count {
        let batch: Vec<Enqueue> = (n..count).take(BULK).map(|n| Enqueue::new(&Noop { n })).collect();
        let mut tx = pool.begin().await?;
        enqueue_all(&mut tx, &batch).await?;
        tx.commit().await?;
        n += i64::try_from(batch.len())?;
    }
    Ok(per_second(count, started.elapsed()))
}

/// Enqueues each job in a durable transaction of its own, from `callers` at once, with or without a
/// row of the caller's; returns transactions per second. The caller's table is made by its `owner`.
pub(crate) async fn enqueue_single(
    owner: &PgPool,
    ledger: &Ledger,
    callers: i64,
    each: i64,
    with_row: bool,
) -> anyhow::Result<f64> {
    sqlx::query("CREATE TABLE IF NOT EXISTS bench_rows (n bigint)").execute(owner).await?;
    let started = Instant::now();
    try_join_all((0..callers).map(|_| {
        let ledger = ledger.clone();
        async move {
            tokio::spawn(async move {
                for n in 0..each {
                    let mut tx = ledger.begin().await?;
                    if with_row {
                        sqlx::query("INSERT INTO bench_rows VALUES ($1)").bind(n).execute(&mut *tx).await?;
                    }
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
    sqlx::query("DROP TABLE bench_rows").execute(owner).await?;
    Ok(rate)
}
