//! Moves due jobs to the brokers: one dispatcher per queue, whoever of the schedulers holds the queue's lease.
//!
//! One cheap statement every 20 ms asks which queues have something waiting; a queue with a backlog then takes turn after
//! turn without waiting for the next look. The window keeps broker queues short, so that priorities mean something, a lost
//! broker costs little, and a pause works at once.
//!
//! # How to get this wrong
//! - Selecting by `id > last seen`: rows that commit late are skipped for ever. The marks below are only hints and are
//!   forgotten every second.
//! - Counting the window from what was published: finishes are not heard. It is counted in the ledger on every turn.
//! - Going on alone after a failed publish: the tickets go back in line, or they would wait for the reconciler.

mod turn;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jobs::kit::ledger::dispatch::{ripen, waiting};
use jobs::kit::ledger::lead::{self, Seen};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Scheduler;

/// How often an idle dispatcher looks for work: half of what a due job may wait.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often leases are renewed and what was seen is told to the fast paths.
const LEAD_EVERY: Duration = Duration::from_millis(200);
/// How many due jobs ripen in one statement.
const RIPEN: i64 = 2_000;

/// One queue as its dispatcher sees it.
#[derive(Debug)]
pub(crate) struct QueueState {
    pub(crate) name: String,
    pub(crate) wake: Notify,
    pub(crate) seen: Mutex<Seen>,
    led: Mutex<bool>,
}

impl QueueState {
    pub(crate) fn is_led(&self) -> bool {
        *self.led.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The dispatcher of all queues that this scheduler leads.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    scheduler: Scheduler,
    queues: Arc<HashMap<String, Arc<QueueState>>>,
}

impl Dispatcher {
    #[must_use]
    pub fn new(scheduler: &Scheduler) -> Self {
        let queues = scheduler.registry.queues().into_iter().map(|queue| {
            let name = queue.name.to_owned();
            let seen = Seen { queue: name.clone(), ..Seen::default() };
            let state =
                QueueState { name: name.clone(), wake: Notify::new(), seen: Mutex::new(seen), led: Mutex::new(false) };
            (name, Arc::new(state))
        });
        Self { scheduler: scheduler.clone(), queues: Arc::new(queues.collect()) }
    }

    /// The queues that this scheduler leads now.
    #[must_use]
    pub fn led(&self) -> Vec<String> {
        let mut led: Vec<_> =
            self.queues.values().filter(|queue| queue.is_led()).map(|queue| queue.name.clone()).collect();
        led.sort_unstable();
        led
    }

    /// Runs until `stop`, then resigns.
    pub async fn run(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        for queue in self.queues.values() {
            tasks.spawn(turn::run(self.scheduler.clone(), Arc::clone(queue), stop.clone()));
        }
        tasks.spawn(self.clone().look(stop.clone()));
        tasks.spawn(self.clone().lead(stop.clone()));
        tasks.close();
        tasks.wait().await;
        let resigned = async { lead::resign(&mut *self.scheduler.pool.acquire().await?, &self.scheduler.name).await };
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(2), resigned).await {
            tracing::warn!(%error, "could not resign; the leases will run out");
        }
    }

    /// Renews the leases and tells what was seen.
    async fn lead(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let seen: Vec<Seen> = self
                .queues
                .values()
                .map(|queue| queue.seen.lock().unwrap_or_else(PoisonError::into_inner).clone())
                .collect();
            let led =
                async { lead::lead(&mut *self.scheduler.pool.acquire().await?, &self.scheduler.name, &seen).await };
            match led.await {
                Ok(led) => {
                    for queue in self.queues.values() {
                        let leads = led.contains(&queue.name);
                        let led_before =
                            std::mem::replace(&mut *queue.led.lock().unwrap_or_else(PoisonError::into_inner), leads);
                        if leads && !led_before {
                            tracing::info!(queue = queue.name, "leads the queue");
                            queue.wake.notify_one();
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot renew the dispatcher's leases"),
            }
            pause(LEAD_EVERY, &stop).await;
        }
    }

    /// Lets due jobs ripen and wakes the queues that have something waiting.
    async fn look(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let led = self.led();
            let looked = async {
                if led.is_empty() {
                    return Ok(());
                }
                let mut conn = self.scheduler.pool.acquire().await?;
                while ripen(&mut conn, RIPEN).await?.0 > 0 {}
                for queue in waiting(&mut conn, &led).await? {
                    if let Some(queue) = self.queues.get(&queue) {
                        queue.wake.notify_one();
                    }
                }
                Ok::<_, sqlx::Error>(())
            };
            if let Err(error) = looked.await {
                tracing::warn!(%error, "cannot look for due jobs");
                pause(Duration::from_millis(500), &stop).await;
            }
            pause(LOOK_EVERY, &stop).await;
        }
    }
}

pub(crate) async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}
