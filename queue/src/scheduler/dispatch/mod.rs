//! Moves due jobs to the brokers: one dispatcher per queue, whoever of the schedulers holds the queue's lease.
//!
//! One cheap statement every 20 ms asks which queues have something waiting; a queue with a backlog then takes turn after
//! turn without waiting for the next look. The window keeps broker queues short, so that priorities mean something, a lost
//! broker costs little, and a pause works at once.
//!
//! # How to get this wrong
//! - Counting the window from what was published: finishes are not heard. It is counted in the ledger on every turn.
//! - Going on alone after a failed publish: the tickets go back in line, or they would wait for the reconciler.
//! - Trusting that everybody has seen a change of settings: a turn that looked before it, and the fast paths for another
//!   moment, hand jobs over as before.

mod queue;
mod rotation;
mod turn;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ledger::connections::within;
use crate::ledger::dispatch::{promote, recall, waiting};
use crate::ledger::lead;
use crate::ledger::locks::was_held_up;
use crate::ledger::queue_settings;
use crate::transport::{BrokerError, Transport};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::queue::{Changed, QueueState};
use crate::scheduler::{LIMIT, Scheduler};

/// How often an idle dispatcher looks for work: half of what a due job may wait.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often leases are renewed and what was seen is published to the fast paths.
const LEAD_EVERY: Duration = Duration::from_millis(200);
/// How long renewing may take: there is time for another try, on another connection, before the lease is over.
const LEAD_LIMIT: Duration = Duration::from_millis(1_500);
/// How long after a change of settings everybody has seen it.
const SETTLED: Duration = Duration::from_secs(1);
/// How many due jobs are promoted in one statement.
const PROMOTE: i64 = 2_000;

/// The dispatcher of all queues that this scheduler leads.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    scheduler: Scheduler,
    queues: Arc<HashMap<String, Arc<QueueState>>>,
    /// Publishes under way, and what is to be done after a change of settings.
    tasks: TaskTracker,
}

impl Dispatcher {
    #[must_use]
    pub fn new(scheduler: &Scheduler) -> Self {
        let queues = scheduler.registry.queues().into_iter().map(|queue| {
            let name = queue.name.to_owned();
            (name.clone(), Arc::new(QueueState::new(name)))
        });
        Self { scheduler: scheduler.clone(), queues: Arc::new(queues.collect()), tasks: TaskTracker::new() }
    }

    /// Every queue, and whether this scheduler leads it now.
    pub(crate) fn queues(&self) -> impl Iterator<Item = (&str, bool)> {
        self.queues.values().map(|queue| (queue.name.as_str(), queue.is_led()))
    }

    /// The queues that this scheduler leads now.
    #[must_use]
    pub fn led(&self) -> Vec<String> {
        let mut led: Vec<_> = self.queues().filter(|(_, led)| *led).map(|(name, _)| name.to_owned()).collect();
        led.sort_unstable();
        led
    }

    /// The queues that this scheduler leads now over a transport.
    pub(crate) fn led_over(&self, transport: Transport) -> Vec<String> {
        let queues = self.queues.values().filter(|queue| queue.is_led() && queue.transport() == Some(transport));
        queues.map(|queue| queue.name.clone()).collect()
    }

    /// Whether the queue's broker did not answer the reconciler last time.
    pub(crate) fn broker_is_down(&self, queue: &str) -> bool {
        self.queues.get(queue).is_some_and(|queue| queue.does_not_answer())
    }

    /// What the reconciler heard from the queue's broker. With all traffic on the fast path nobody else asks it.
    pub(crate) fn broker_answers(&self, queue: &str, problem: Option<BrokerError>) {
        if let Some(queue) = self.queues.get(queue) {
            queue.asked(problem);
        }
    }

    /// Runs until `stop`, lets publishes under way end, then resigns.
    pub async fn run(self, stop: CancellationToken) {
        for queue in self.queues.values() {
            self.tasks.spawn(turn::run(self.scheduler.clone(), Arc::clone(queue), self.tasks.clone(), stop.clone()));
        }
        self.tasks.spawn(self.clone().look(stop.clone()));
        self.tasks.spawn(self.clone().lead(stop.clone()));
        self.tasks.close();
        self.tasks.wait().await;
        let resigned = async { lead::resign(&mut *self.scheduler.db.lend().await?, &self.scheduler.name).await };
        if let Err(error) = within(Duration::from_secs(2), resigned).await {
            tracing::warn!(%error, "could not resign; the leases will run out");
        }
    }

    /// Renews the leases and publishes what was seen.
    async fn lead(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let seen: Vec<_> = self.queues.values().map(|queue| queue.seen()).collect();
            let asked = Instant::now();
            match self.renew(&seen).await {
                Ok(led) => {
                    for queue in self.queues.values() {
                        let led = led.iter().find(|led| led.queue == queue.name);
                        let (new, changed) = queue.renewed(asked, led);
                        if new {
                            tracing::info!(queue = queue.name, "leads the queue");
                            queue.wake.notify_one();
                        }
                        if let Some(changed) = changed {
                            self.tasks.spawn(self.clone().settle(Arc::clone(queue), changed, stop.clone()));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot renew the dispatcher's leases"),
            }
            pause(LEAD_EVERY, &stop).await;
        }
    }

    /// Takes or keeps the leads, of all queues in one statement. Somebody who holds one queue's row must not cost the others their
    /// dispatcher: they are then asked for one by one.
    async fn renew(&self, seen: &[lead::Seen]) -> Result<Vec<lead::Led>, sqlx::Error> {
        match self.renew_together(seen).await {
            Err(error) if was_held_up(&error) => {
                let each = futures::future::join_all(seen.chunks(1).map(|one| self.renew_together(one))).await;
                let mut led = Vec::with_capacity(seen.len());
                for (one, renewed) in seen.iter().zip(each) {
                    match renewed {
                        Ok(renewed) => led.extend(renewed),
                        Err(error) => tracing::warn!(queue = one.queue, %error, "cannot renew the queue's lease"),
                    }
                }
                Ok(led)
            }
            renewed => renewed,
        }
    }

    async fn renew_together(&self, seen: &[lead::Seen]) -> Result<Vec<lead::Led>, sqlx::Error> {
        within(LEAD_LIMIT, async {
            let mut conn = self.scheduler.db.lend().await?;
            let led = lead::lead(&mut conn, &self.scheduler.name, seen).await?;
            conn.give_back();
            Ok(led)
        })
        .await
    }

    /// Once everybody has seen a change of the queue's settings, takes back what was handed over by those who had not: to the
    /// broker that it left, past the new limits, or during a pause, where a claim was refused.
    async fn settle(self, queue: Arc<QueueState>, changed: Changed, stop: CancellationToken) {
        pause(SETTLED, &stop).await;
        if stop.is_cancelled() {
            return;
        }
        let settled = async {
            let mut conn = self.scheduler.db.lend().await?;
            let back = recall(&mut conn, &queue.name, changed.reason()).await?;
            let now = queue_settings::transport(&mut conn, &queue.name).await?;
            conn.give_back();
            Ok((back, now))
        };
        let now = match within(LIMIT, settled).await {
            Ok((back, now)) => {
                tracing::debug!(queue = queue.name, jobs = back, "took back what was handed over before the change");
                queue.wake.notify_one();
                now
            }
            Err(error) => {
                tracing::warn!(queue = queue.name, %error, "cannot take back what was handed over before the change");
                return;
            }
        };
        // It may be back there by now.
        if let Some(left) = changed.left.filter(|left| now != Some(*left))
            && let Some(broker) = self.scheduler.brokers.get(left)
            && let Err(error) = broker.purge(&queue.name).await
        {
            tracing::info!(queue = queue.name, %error, "messages of the moved queue stay behind; they are stale");
        }
    }

    /// Promotes due jobs and wakes the queues that have something waiting.
    async fn look(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.round().await {
                Ok(true) => {}
                Ok(false) => pause(LOOK_EVERY, &stop).await,
                Err(error) => {
                    tracing::warn!(%error, "cannot look for due jobs");
                    pause(Duration::from_millis(500), &stop).await;
                }
            }
        }
    }

    /// One batch is promoted, then whoever has something waiting is woken: many jobs that fall due at once do not keep the queues
    /// of others asleep. Returns whether more is due.
    async fn round(&self) -> Result<bool, sqlx::Error> {
        let led = self.led();
        if led.is_empty() {
            return Ok(false);
        }
        let promoted = within(LIMIT, async {
            let mut conn = self.scheduler.db.lend().await?;
            let (promoted, _) = promote(&mut conn, PROMOTE).await?;
            for queue in waiting(&mut conn, &led).await? {
                if let Some(queue) = self.queues.get(&queue) {
                    queue.wake.notify_one();
                }
            }
            conn.give_back();
            Ok(promoted)
        });
        let promoted = promoted.await?;
        Ok(i64::try_from(promoted).is_ok_and(|promoted| promoted >= PROMOTE))
    }
}

pub(crate) async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}

#[cfg(test)]
mod tests;
