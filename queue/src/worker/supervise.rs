//! Keeps one consumer per queue alive: a broken connection starts a new one under a fresh name, a queue that was moved to
//! another broker is followed there.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::job::Queue;
use crate::queue_settings;
use crate::transport::Transport;
use crate::transport::{Brokers, Consumer, Deliver};

const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Many workers lose a broker at once: they must not come back at once.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_max_delay(LONGEST_PAUSE)
    .without_max_times()
    .with_jitter();
/// How often a queue's settings are read again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Consumes `queue` until `shutdown`, whatever happens to its broker.
pub(crate) async fn consume(
    brokers: Brokers,
    pool: PgPool,
    queue: Queue,
    concurrency: usize,
    deliver: Deliver,
    shutdown: CancellationToken,
) {
    let mut pauses = PAUSES.build();
    while !shutdown.is_cancelled() {
        let started = tokio::time::Instant::now();
        let problem = once(&brokers, &pool, queue, concurrency, &deliver, &shutdown).await;
        if started.elapsed() > LONGEST_PAUSE {
            pauses = PAUSES.build();
        }
        let Err(problem) = problem else { continue };
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        tracing::warn!(queue = queue.name, %problem, pause_ms = pause.as_millis(), "consumer ended; starting another");
        metrics::counter!("tradeyard_consumer_restarts_total", "queue" => queue.name).increment(1);
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One consumer's life on the queue's present transport.
async fn once(
    brokers: &Brokers,
    pool: &PgPool,
    queue: Queue,
    concurrency: usize,
    deliver: &Deliver,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let transport = queue_settings::transport(&mut *pool.acquire().await?, queue.name).await?;
    let Some(transport) = transport else { anyhow::bail!("the queue is not set up yet; a scheduler does that") };
    let Some(broker) = brokers.get(transport) else {
        anyhow::bail!("the queue is carried by {transport}, which this process has no address for");
    };
    let consumer = Consumer {
        queue: queue.name.to_owned(),
        name: format!("{}-{}-{:08x}", queue.name, std::process::id(), rand::random::<u32>()),
        prefetch: concurrency.clamp(4, 500),
    };
    let stop = shutdown.child_token();
    let watch = tokio::spawn(watch_transport(pool.clone(), queue, transport, stop.clone()));
    let ended = broker.consume(consumer, deliver.clone(), stop).await;
    watch.abort();
    Ok(ended?)
}

/// Stops the consumer when the queue has been moved.
async fn watch_transport(pool: PgPool, queue: Queue, now: Transport, stop: CancellationToken) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(mut conn) = pool.acquire().await else { continue };
        if let Ok(Some(transport)) = queue_settings::transport(&mut conn, queue.name).await
            && transport != now
        {
            tracing::info!(queue = queue.name, from = %now, to = %transport, "the queue moved; following it");
            stop.cancel();
            return;
        }
    }
}
