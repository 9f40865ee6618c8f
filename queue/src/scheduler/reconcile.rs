//! Sends again what a broker lost: after a `FLUSHALL`, a purge, a restart without a disk, a publish that never happened.
//!
//! A repeat is harmless when the message was not lost after all: whoever claims second claims nothing.

use std::time::Duration;

use crate::ledger::claim::release;
use crate::ledger::connections::within;
use crate::ledger::queue_settings;
use crate::ledger::reap::{Overdue, queued, repeat};
use crate::ledger::reason::Reason;
use crate::transport::{Broker, BrokerError, MAX_TICKETS, Message, Transport};
use tokio_util::sync::CancellationToken;

use crate::scheduler::dispatch::{Dispatcher, pause};
use crate::scheduler::{LIMIT, Scheduler};

const EVERY: Duration = Duration::from_secs(1);
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// How long a job may be queued before its message can count as missing: longer than any publish takes.
const MISSING_AFTER: f64 = 4.0;
/// The broker holds fewer messages than there are jobs in it.
const MISSING: Overdue = Overdue { age: MISSING_AFTER, most: 30.0, overtaken: false };
/// It holds enough of them, but perhaps not this one.
const DOUBTFUL: Overdue = Overdue { age: 20.0, most: 45.0, overtaken: true };
/// A worker died, and with it what it had taken from the broker.
const ORPHANED: Overdue = Overdue { age: 2.0, most: 30.0, overtaken: false };

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    tokio::join!(compare(&scheduler, &dispatcher, &stop), probe(&scheduler, &dispatcher, &stop));
}

/// Asks the brokers of the led queues whether they take messages: while nothing is published, nobody else would notice that
/// RabbitMQ is short of memory or disk.
async fn probe(scheduler: &Scheduler, dispatcher: &Dispatcher, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        for broker in scheduler.brokers.all().filter(|broker| broker.transport() != Transport::Local) {
            let queues = dispatcher.led_over(broker.transport());
            if queues.is_empty() {
                continue;
            }
            // That all is well again is heard by the comparison, which asks every second.
            if let Err(problem) = broker.takes_messages().await {
                for queue in queues {
                    dispatcher.broker_answers(&queue, Some(problem.clone()));
                }
            }
        }
        pause(PROBE_EVERY, stop).await;
    }
}

async fn compare(scheduler: &Scheduler, dispatcher: &Dispatcher, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        for queue in dispatcher.led() {
            let compared = reconcile(scheduler, &queue, dispatcher.broker_is_down(&queue)).await;
            match compared {
                Ok(Compared::Unasked) => {}
                Ok(Compared::Held { .. }) => dispatcher.broker_answers(&queue, None),
                Ok(Compared::Down(problem)) => dispatcher.broker_answers(&queue, Some(problem)),
                Err(error) => tracing::warn!(queue, %error, "cannot compare the broker with the ledger"),
            }
        }
        pause(EVERY, stop).await;
    }
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Nothing has been queued for long, and nobody said that the broker is down: it was not asked.
    Unasked,
    /// The broker answered; so many jobs were sent again.
    Held { repeated: usize },
    /// The broker did not answer.
    Down(BrokerError),
}

/// Compares one queue with its broker. A broker that is `down` is asked in any case, to see whether it is back.
pub async fn reconcile(scheduler: &Scheduler, queue: &str, down: bool) -> Result<Compared, sqlx::Error> {
    let asked = within(LIMIT, async {
        let mut conn = scheduler.db.lend().await?;
        let (count, oldest) = queued(&mut conn, queue).await?;
        let overdue = count > 0 && oldest >= MISSING_AFTER;
        let transport = if overdue || down { queue_settings::transport(&mut conn, queue).await? } else { None };
        conn.give_back();
        Ok((count, overdue, transport))
    });
    let (count, overdue, transport) = asked.await?;
    let Some(transport) = transport else { return Ok(Compared::Unasked) };
    let Some(broker) = scheduler.brokers.get(transport) else { return Ok(Compared::Unasked) };
    let held = match broker.depth(queue).await {
        Ok(held) => i64::try_from(held).unwrap_or(i64::MAX),
        Err(error) => return Ok(Compared::Down(error)),
    };
    if !overdue {
        return Ok(Compared::Held { repeated: 0 });
    }
    // A message carries at most so many tickets: with fewer messages than this, some are certainly missing.
    let needed = count / i64::try_from(MAX_TICKETS).unwrap_or(1);
    if held == 0 || held < needed {
        send_again(scheduler, &*broker, queue, MISSING).await
    } else {
        send_again(scheduler, &*broker, queue, DOUBTFUL).await
    }
}

/// Sends the messages again that dead workers of this queue held in their buffers.
pub(crate) async fn repeat_orphans(scheduler: &Scheduler, queue: &str) -> Result<Compared, sqlx::Error> {
    let asked = within(LIMIT, async {
        let mut conn = scheduler.db.lend().await?;
        let transport = queue_settings::transport(&mut conn, queue).await?;
        conn.give_back();
        Ok(transport)
    });
    let transport = asked.await?;
    let Some(broker) = transport.and_then(|transport| scheduler.brokers.get(transport)) else {
        return Ok(Compared::Unasked);
    };
    if let Err(error) = broker.ping().await {
        return Ok(Compared::Down(error));
    }
    send_again(scheduler, &*broker, queue, ORPHANED).await
}

/// Publishes the tickets of the jobs that are overdue.
async fn send_again(
    scheduler: &Scheduler,
    broker: &dyn Broker,
    queue: &str,
    overdue: Overdue,
) -> Result<Compared, sqlx::Error> {
    let found = within(LIMIT, async {
        let mut conn = scheduler.db.lend().await?;
        let tickets = repeat(&mut conn, queue, overdue).await?;
        conn.give_back();
        Ok(tickets)
    });
    let tickets = found.await?;
    let count = tickets.len();
    if count == 0 {
        return Ok(Compared::Held { repeated: 0 });
    }
    if overdue == MISSING {
        tracing::warn!(queue, jobs = count, "sending again what the broker does not hold");
        metrics::counter!("tradeyard_republished_total", "queue" => queue.to_owned()).increment(count as u64);
    } else {
        // The message may be on its way to a worker, or waiting in its buffer.
        tracing::info!(queue, jobs = count, "sending again what others overtook or a dead worker held");
        metrics::counter!("tradeyard_repeated_in_doubt_total", "queue" => queue.to_owned()).increment(count as u64);
    }
    let messages: Vec<Message> = tickets.iter().map(|&ticket| Message(vec![ticket])).collect();
    match broker.publish(queue, &messages).await {
        Ok(()) => Ok(Compared::Held { repeated: count }),
        Err(error) => {
            // They count as sent just now: rather than wait for their next time, they go back in line.
            let released = async {
                let mut conn = scheduler.db.lend().await?;
                release(&mut conn, &tickets, Reason::TransportRefused).await?;
                conn.give_back();
                Ok(())
            };
            within(LIMIT, released).await?;
            Ok(Compared::Down(error))
        }
    }
}

#[cfg(test)]
mod tests;
