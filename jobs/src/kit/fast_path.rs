//! Publishing right after the commit, so that an idle system starts a job within a millisecond.
//!
//! A job that is due at once may be inserted as `queued` by the process that enqueues it, which then publishes it itself
//! and saves the dispatcher's turn. That is allowed only while the queue has no backlog (nobody is overtaken), no limit,
//! is not paused, and has room; the room is a budget that is refreshed from what the dispatcher last saw.
//!
//! # How to get this wrong
//! - Spending without a budget: a burst of enqueues would outgrow the queue's window, and apalis-redis breaks at 8,000.
//! - Publishing before the commit: a worker would look for a row that is not there yet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::job::{Carrier, Queue};
use super::ledger::{Ticket, lead};
use crate::broker::{Brokers, Message};

/// How often the budgets are refreshed from what the dispatchers saw.
const REFRESH_EVERY: Duration = Duration::from_millis(200);
/// The share of a queue's free room that one process may use between two refreshes.
const SHARE: i64 = 4;
/// The most tickets that are taken together for one publish.
const TOGETHER: usize = 200;

/// The enqueuing side: a budget per queue and the way to the publisher.
#[derive(Clone, Debug)]
pub struct FastPath(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    budgets: RwLock<HashMap<&'static str, Arc<AtomicI64>>>,
    publisher: mpsc::UnboundedSender<(&'static str, Ticket)>,
}

impl FastPath {
    /// Opens the path for a process: budgets are refreshed and tickets published by tasks that end with `stop`.
    #[must_use]
    pub fn open(pool: PgPool, brokers: Brokers, queues: Vec<Queue>, stop: CancellationToken) -> Self {
        let (path, tickets) = Self::closed();
        let carriers = Arc::new(RwLock::new(HashMap::new()));
        tokio::spawn(refresh(path.clone(), pool, queues, Arc::clone(&carriers), stop.clone()));
        tokio::spawn(publish(tickets, brokers, carriers, stop));
        path
    }

    /// A path without budgets, and the receiver of what is to be published.
    fn closed() -> (Self, mpsc::UnboundedReceiver<(&'static str, Ticket)>) {
        // Unbounded, but never longer than the budgets that were handed out.
        let (publisher, tickets) = mpsc::unbounded_channel();
        let shared = Shared { budgets: RwLock::default(), publisher };
        (Self(Arc::new(shared)), tickets)
    }

    /// Takes one place in the queue's window, if there is one.
    pub(crate) fn take(&self, queue: &str) -> bool {
        let budgets = self.0.budgets.read().unwrap_or_else(PoisonError::into_inner);
        budgets
            .get(queue)
            .is_some_and(|budget| budget.load(Ordering::Relaxed) > 0 && budget.fetch_sub(1, Ordering::Relaxed) > 0)
    }

    /// Hands a committed ticket to the publisher.
    pub(crate) fn publish(&self, queue: &'static str, ticket: Ticket) {
        // The publisher only ends with the process; the reconciler would find the row.
        let _ = self.0.publisher.send((queue, ticket));
    }

    /// Sets how many jobs may take the fast path until the next refresh.
    fn set_budget(&self, queue: &'static str, room: i64) {
        let budgets = self.0.budgets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = budgets.get(queue) {
            budget.store(room, Ordering::Relaxed);
            return;
        }
        drop(budgets);
        let mut budgets = self.0.budgets.write().unwrap_or_else(PoisonError::into_inner);
        budgets.entry(queue).or_default().store(room, Ordering::Relaxed);
    }
}

type Carriers = Arc<RwLock<HashMap<&'static str, Carrier>>>;

/// Gives every queue its budget, and closes the path when the ledger cannot be asked.
async fn refresh(path: FastPath, pool: PgPool, queues: Vec<Queue>, carriers: Carriers, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let rooms = async { lead::fast_path_room(&mut *pool.acquire().await?).await };
        let rooms = rooms.await.unwrap_or_default();
        for queue in &queues {
            let room = rooms.iter().find(|(name, ..)| name == queue.name);
            path.set_budget(queue.name, room.map_or(0, |(_, _, room)| room / SHARE));
            if let Some(Ok(carrier)) = room.map(|(_, transport, _)| transport.parse()) {
                carriers.write().unwrap_or_else(PoisonError::into_inner).insert(queue.name, carrier);
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(REFRESH_EVERY) => {}
        }
    }
}

/// Publishes committed tickets; those that come while a publish is under way share the next one.
async fn publish(
    mut tickets: mpsc::UnboundedReceiver<(&'static str, Ticket)>,
    brokers: Brokers,
    carriers: Carriers,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    loop {
        tokio::select! {
            biased;
            received = tickets.recv_many(&mut batch, TOGETHER) => if received == 0 { return },
            () = stop.cancelled() => return,
        }
        let mut by_queue: HashMap<&'static str, Vec<Message>> = HashMap::new();
        for (queue, ticket) in batch.drain(..) {
            by_queue.entry(queue).or_default().push(Message(vec![ticket]));
        }
        for (queue, messages) in by_queue {
            let carrier = carriers.read().unwrap_or_else(PoisonError::into_inner).get(queue).copied();
            let Some(broker) = carrier.and_then(|carrier| brokers.get(carrier)) else { continue };
            if let Err(error) = broker.publish(queue, &messages).await {
                // The rows say `queued`; the reconciler publishes what no broker holds.
                tracing::warn!(queue, %error, jobs = messages.len(), "fast path publish failed");
            }
        }
    }
}
