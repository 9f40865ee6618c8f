//! Sends again what a broker lost: after a `FLUSHALL`, a purge, a restart without a disk, a publish that never happened.
//!
//! A repeat is harmless when the message was not lost after all: whoever claims second claims nothing.

use std::time::Duration;

use jobs::broker::{MAX_TICKETS, Message};
use jobs::kit::ledger::reap::{queued, repeat};
use jobs::kit::queue_settings;
use tokio_util::sync::CancellationToken;

use crate::Scheduler;
use crate::dispatch::{Dispatcher, pause};

const EVERY: Duration = Duration::from_secs(1);
/// How long a job may be queued before its message can count as missing: longer than any publish takes.
const MISSING_AFTER: Duration = Duration::from_secs(4);
/// When the broker holds messages, but perhaps not this one.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(20);

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for queue in dispatcher.led() {
            if let Err(error) = reconcile(&scheduler, &queue).await {
                tracing::warn!(queue, %error, "cannot compare the broker with the ledger");
            }
        }
        pause(EVERY, &stop).await;
    }
}

/// Compares one queue with its broker; returns how many jobs were sent again.
pub async fn reconcile(scheduler: &Scheduler, queue: &str) -> anyhow::Result<usize> {
    let mut conn = scheduler.pool.acquire().await?;
    let (count, oldest) = queued(&mut conn, queue).await?;
    if count == 0 || oldest < MISSING_AFTER.as_secs_f64() {
        return Ok(0);
    }
    let Some(carrier) = queue_settings::carrier(&mut conn, queue).await? else { return Ok(0) };
    drop(conn);
    let Some(broker) = scheduler.brokers.get(carrier) else { return Ok(0) };
    let held = i64::try_from(broker.depth(queue).await?).unwrap_or(i64::MAX);
    // A message carries at most so many tickets: with fewer messages than this, some are certainly missing.
    let needed = count / i64::try_from(MAX_TICKETS).unwrap_or(1);
    let age = if held == 0 || held < needed { MISSING_AFTER } else { DOUBTFUL_AFTER };
    repeat_older(scheduler, queue, age).await
}

/// Publishes the tickets of jobs that are queued for longer than `age`, doubled with every earlier repeat: a broker that only
/// counts what waits (and not what a slow worker has in hand) is not flooded.
pub(crate) async fn repeat_older(scheduler: &Scheduler, queue: &str, age: Duration) -> anyhow::Result<usize> {
    let mut conn = scheduler.pool.acquire().await?;
    let Some(carrier) = queue_settings::carrier(&mut conn, queue).await? else { return Ok(0) };
    let Some(broker) = scheduler.brokers.get(carrier) else { return Ok(0) };
    broker.ping().await?;
    let tickets = repeat(&mut conn, queue, age.as_secs_f64()).await?;
    drop(conn);
    if tickets.is_empty() {
        return Ok(0);
    }
    tracing::warn!(queue, jobs = tickets.len(), "sending again what the broker does not hold");
    metrics::counter!("tradeyard_republished_total", "queue" => queue.to_owned()).increment(tickets.len() as u64);
    let messages: Vec<Message> = tickets.iter().map(|&ticket| Message(vec![ticket])).collect();
    broker.publish(queue, &messages).await?;
    Ok(tickets.len())
}
