//! Keeps one consumer per queue alive: a broken connection starts a new one under a fresh name, a queue that was moved to
//! another broker is followed there.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use shared::backoff;
use tokio_util::sync::CancellationToken;

use super::past_locks::LIMIT;
use crate::job::Queue;
use crate::ledger::connections::{Connections, within};
use crate::ledger::queue_settings;
use crate::transport::Transport;
use crate::transport::{Brokers, Consumer, Deliver};

const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Many workers lose a broker at once: they must not come back at once.
const PAUSES: ExponentialBuilder = backoff::endless(Duration::from_millis(200), LONGEST_PAUSE);
/// How often a queue's settings are read again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Consumes `queue` until `shutdown`, whatever happens to its broker.
pub(crate) async fn consume(
    brokers: Brokers,
    db: Connections,
    queue: Queue,
    concurrency: usize,
    deliver: Deliver,
    shutdown: CancellationToken,
) {
    let mut pauses = PAUSES.build();
    while !shutdown.is_cancelled() {
        let started = tokio::time::Instant::now();
        let problem = once(&brokers, &db, queue, concurrency, &deliver, &shutdown).await;
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
    db: &Connections,
    queue: Queue,
    concurrency: usize,
    deliver: &Deliver,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let transport = transport(db, queue).await?;
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
    let watch = tokio::spawn(watch_transport(db.clone(), queue, transport, stop.clone()));
    let ended = broker.consume(consumer, deliver.clone(), stop).await;
    watch.abort();
    Ok(ended?)
}

/// Stops the consumer when the queue has been moved.
async fn watch_transport(db: Connections, queue: Queue, now: Transport, stop: CancellationToken) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Ok(Some(transport)) = transport(&db, queue).await
            && transport != now
        {
            tracing::info!(queue = queue.name, from = %now, to = %transport, "the queue moved; following it");
            stop.cancel();
            return;
        }
    }
}

/// The queue's present transport.
async fn transport(db: &Connections, queue: Queue) -> Result<Option<Transport>, sqlx::Error> {
    within(LIMIT, async {
        let mut conn = db.lend().await?;
        let transport = queue_settings::transport(&mut conn, queue.name).await?;
        conn.give_back();
        Ok(transport)
    })
    .await
}
