//! What the machine and its servers allow by themselves; each of our figures is to be read beside
//! one of these.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use queue::ticket::Ticket;
use queue::transport::{Broker, Consumer, Deliver, Message};
use shared::ids::JobId;
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;
use tower::util::BoxCloneSyncService;

use crate::report::per_second;

const QUEUE: &str = "bench-raw";
/// How many messages one call publishes: as many as a dispatcher's turn brings.
const SLICE: i64 = 1000;
const GROUP: usize = 200;
const LONGEST: Duration = Duration::from_mins(2);

/// Microseconds of a round trip to the database: `SELECT 1`, one after the other.
pub(crate) async fn round_trip_us(pool: &PgPool) -> anyhow::Result<f64> {
    let mut conn = pool.acquire().await?;
    let mut micros = Vec::new();
    for _ in 0..2_000 {
        let began = Instant::now();
        sqlx::query("SELECT 1").execute(&mut *conn).await?;
        micros.push(began.elapsed().as_secs_f64() * 1_000_000.0);
    }
    micros.sort_by(f64::total_cmp);
    Ok(micros[micros.len() / 2])
}

/// Durable transactions per second of one plain row each, from `callers` at once.
pub(crate) async fn commits(pool: &PgPool, callers: i64, each: i64) -> anyhow::Result<f64> {
    sqlx::query("CREATE TABLE IF NOT EXISTS bench_rows (n bigint)").execute(pool).await?;
    let began = Instant::now();
    try_join_all((0..callers).map(|_| async move {
        let mut conn = pool.acquire().await?;
        for n in 0..each {
            sqlx::query("INSERT INTO bench_rows VALUES ($1)").bind(n).execute(&mut *conn).await?;
        }
        Ok::<_, sqlx::Error>(())
    }))
    .await?;
    let rate = per_second(callers * each, began.elapsed());
    sqlx::query("DROP TABLE bench_rows").execute(pool).await?;
    Ok(rate)
}

/// Durable transactions per second of `rows` plain rows each, from `callers` at once, with the same
/// library that enqueues: `BEGIN`, the rows, `COMMIT`, into a bare table, on connections that
/// nobody else uses.
pub(crate) async fn transactions(pool: &PgPool, callers: i64, each: i64, rows: usize) -> anyhow::Result<f64> {
    sqlx::query("CREATE TABLE IF NOT EXISTS bench_rows (n bigint)").execute(pool).await?;
    let began = Instant::now();
    try_join_all((0..callers).map(|_| {
        let pool = pool.clone();
        async move {
            tokio::spawn(async move {
                let mut conn = pool.acquire().await?;
                for n in 0..each {
                    let mut tx = conn.begin().await?;
                    for _ in 0..rows {
                        sqlx::query("INSERT INTO bench_rows VALUES ($1)").bind(n).execute(&mut *tx).await?;
                    }
                    tx.commit().await?;
                }
                Ok::<_, anyhow::Error>(())
            })
            .await?
        }
    }))
    .await?;
    let rate = per_second(callers * each, began.elapsed());
    sqlx::query("DROP TABLE bench_rows").execute(pool).await?;
    Ok(rate)
}

/// Rows of a job's width per second, by COPY into a table with a key, and by UPDATE in groups of
/// 200 from two connections. A job takes one of the first and three of the second: handed over,
/// claimed, finished.
pub(crate) async fn rows(pool: &PgPool, count: i64) -> anyhow::Result<(f64, f64)> {
    sqlx::query("DROP TABLE IF EXISTS bench_wide").execute(pool).await?;
    sqlx::query("CREATE TABLE bench_wide (id bigint PRIMARY KEY, state text, body text) WITH (fillfactor = 70)")
        .execute(pool)
        .await?;
    let filling = "x".repeat(150);
    let rows = (0..count).fold(String::new(), |rows, id| rows + &format!("{id}\tavailable\t{filling}\n"));
    let mut conn = pool.acquire().await?;
    let began = Instant::now();
    let mut copy = conn.copy_in_raw("COPY bench_wide FROM STDIN").await?;
    copy.send(rows.into_bytes()).await?;
    copy.finish().await?;
    let copied = per_second(count, began.elapsed());
    drop(conn);
    sqlx::query("ANALYZE bench_wide").execute(pool).await?;
    let ids: Vec<i64> = (0..count).collect();
    let began = Instant::now();
    try_join_all(ids.chunks(ids.len().div_ceil(2)).map(|half| async move {
        let mut conn = pool.acquire().await?;
        sqlx::query("SET synchronous_commit = off").execute(&mut *conn).await?;
        for group in half.chunks(GROUP) {
            sqlx::query("UPDATE bench_wide SET state = 'queued' WHERE id = ANY ($1)")
                .bind(group)
                .execute(&mut *conn)
                .await?;
        }
        sqlx::query("RESET synchronous_commit").execute(&mut *conn).await?;
        Ok::<_, sqlx::Error>(())
    }))
    .await?;
    let updated = per_second(count, began.elapsed());
    sqlx::query("DROP TABLE bench_wide").execute(pool).await?;
    Ok((copied, updated))
}

/// Messages of one ticket each per second, published in slices and delivered at the same time,
/// without the ledger.
pub(crate) async fn messages(broker: &Arc<dyn Broker>, count: i64) -> anyhow::Result<f64> {
    broker.purge(QUEUE).await?;
    let delivered = Arc::new(AtomicU64::new(0));
    let consumer =
        Consumer { queue: QUEUE.to_owned(), name: format!("bench-{}", uuid::Uuid::now_v7()), prefetch: 1000 };
    let stop = CancellationToken::new();
    let consuming = tokio::spawn(Arc::clone(broker).consume(consumer, counting(&delivered), stop.clone()));
    let began = Instant::now();
    for first in (0..count).step_by(usize::try_from(SLICE)?) {
        let slice: Vec<Message> =
            (first..first + SLICE).map(|n| Message(vec![Ticket { job: JobId(n), epoch: 1 }])).collect();
        broker.publish(QUEUE, &slice).await?;
    }
    while delivered.load(Ordering::Relaxed) < count.unsigned_abs() {
        anyhow::ensure!(began.elapsed() < LONGEST, "messages do not arrive");
        anyhow::ensure!(!consuming.is_finished(), "the consumer ended");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rate = per_second(count, began.elapsed());
    stop.cancel();
    consuming.await??;
    broker.purge(QUEUE).await?;
    Ok(rate)
}

fn counting(delivered: &Arc<AtomicU64>) -> Deliver {
    let delivered = Arc::clone(delivered);
    BoxCloneSyncService::new(tower::service_fn(move |_: Message| {
        delivered.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(()))
    }))
}
