//! How much waits and for how long, as Prometheus gauges. Told by the scheduler that leads the queue.

use std::time::Duration;

use jobs::kit::ops::queues;
use shared::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::Scheduler;
use crate::dispatch::{Dispatcher, pause};

/// Counting millions of waiting jobs is not free.
const EVERY: Duration = Duration::from_secs(10);

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = tell(&scheduler, &dispatcher.led()).await {
            tracing::warn!(%error, "cannot count the queues");
        }
        pause(EVERY, &stop).await;
    }
}

async fn tell(scheduler: &Scheduler, led: &[String]) -> Result<(), sqlx::Error> {
    if led.is_empty() {
        return Ok(());
    }
    let mut conn = scheduler.pool.acquire().await?;
    for queue in queues::list(&mut conn, None).await?.into_iter().filter(|queue| led.contains(&queue.name)) {
        let depths = [
            ("scheduled", queue.scheduled),
            ("available", queue.available),
            ("queued", queue.queued),
            ("running", queue.running),
            ("dead", queue.dead),
        ];
        for (state, count) in depths {
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
            metrics::gauge!("tradeyard_queue_jobs", "queue" => queue.name.clone(), "state" => state).set(count as f64);
        }
        let oldest = queue.oldest_available.map_or(0.0, |due| (Clock::SYSTEM.now() - due).as_seconds_f64().max(0.0));
        metrics::gauge!("tradeyard_queue_oldest_seconds", "queue" => queue.name).set(oldest);
    }
    Ok(())
}
