//! How much waits and for how long, as Prometheus gauges. Reported by the scheduler that leads the queue.

use std::collections::HashSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ledger::connections::within;
use crate::ledger::reap::clock;
use crate::ops::queues;

use crate::scheduler::Scheduler;
use crate::scheduler::dispatch::{Dispatcher, pause};

/// Counting millions of waiting jobs is not free.
const EVERY: Duration = Duration::from_secs(10);

/// How long counting may take.
const COUNTING: Duration = Duration::from_secs(20);

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = report(&scheduler, &dispatcher).await {
            tracing::warn!(%error, "cannot count the queues");
        }
        pause(EVERY, &stop).await;
    }
}

async fn report(scheduler: &Scheduler, dispatcher: &Dispatcher) -> Result<(), sqlx::Error> {
    let mut led = HashSet::new();
    for (queue, leads) in dispatcher.queues() {
        metrics::gauge!("tradeyard_queue_led", "queue" => queue.to_owned()).set(f64::from(u8::from(leads)));
        if leads {
            led.insert(queue.to_owned());
        } else {
            // Another scheduler reports it now: without this, a sum over all schedulers would count it twice.
            QueueDepths::default().report(queue);
        }
    }
    if led.is_empty() {
        return Ok(());
    }
    let counted = within(COUNTING, async {
        let mut conn = scheduler.db.lend().await?;
        let queues = queues::list(&mut conn, None).await?;
        let now = clock(&mut conn).await?;
        conn.give_back();
        Ok((queues, now))
    });
    let (queues, now) = counted.await?;
    for queue in queues.into_iter().filter(|queue| led.contains(&queue.name)) {
        let oldest = queue.oldest_available.map_or(0.0, |due| (now - due).as_seconds_f64().max(0.0));
        let depths = [queue.scheduled, queue.available, queue.queued, queue.running, queue.dead];
        QueueDepths { depths, oldest }.report(&queue.name);
    }
    Ok(())
}

/// What is reported about one queue.
#[derive(Debug, Default)]
struct QueueDepths {
    /// In the order of [`STATES`].
    depths: [i64; 5],
    /// For how many seconds the longest waiting job has been due.
    oldest: f64,
}

const STATES: [&str; 5] = ["scheduled", "available", "queued", "running", "dead"];

impl QueueDepths {
    fn report(&self, queue: &str) {
        for (state, count) in STATES.into_iter().zip(self.depths) {
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
            metrics::gauge!("tradeyard_queue_jobs", "queue" => queue.to_owned(), "state" => state).set(count as f64);
        }
        metrics::gauge!("tradeyard_queue_oldest_seconds", "queue" => queue.to_owned()).set(self.oldest);
    }
}
