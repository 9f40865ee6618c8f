//! Publishing right after the commit, so that an idle system starts a job within a millisecond.
//!
//! A job that is due at once may be inserted as `queued` by the process that enqueues it, which then publishes it itself
//! and saves the dispatcher's turn. That is allowed only while the queue has no backlog (nobody is overtaken), no limit,
//! is not paused, and has room; the room is a budget that is refreshed from what the dispatcher last saw.
//!
//! # How to get this wrong
//! - Taking a refreshed budget for the whole of it: what open transactions have taken is not counted anywhere until they commit.
//! - Publishing what was taken before a change: a transaction may stay open for longer than a new limit takes to be seen.
//! - Spending without a budget: a burst of enqueues would outgrow the queue's window, and apalis-redis breaks at 8,000.
//! - Publishing before the commit: a worker would look for a row that is not there yet.
//! - Ending the publishers when the process is asked to stop: what is committed while it drains would wait for the reconciler.
//! - Publishing all queues one after the other: a broker that is away would hold up the queues of the others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::ledger::claim::release;
use super::ledger::connections::{Connections, within};
use super::ledger::lead;
use super::ledger::reason::Reason;
use super::ticket::Ticket;
use super::transport::Transport;
use crate::job::Queue;
use crate::transport::{Brokers, Message, PATIENCE};

/// How often the budgets are refreshed from what the dispatchers saw.
const REFRESH_EVERY: Duration = Duration::from_millis(200);
/// How long that may take. Without an answer the path closes: what is not known is not spent.
const LIMIT: Duration = Duration::from_secs(1);
/// How long putting jobs back in line may take.
const RELEASE: Duration = Duration::from_secs(5);
/// The share of a queue's free room that one process may use between two refreshes.
const SHARE: i64 = 4;
/// The most tickets that are taken together for one publish.
const TOGETHER: usize = 200;

/// The enqueuing side: a budget per queue and the way to its publisher.
#[derive(Clone, Debug)]
pub struct FastPath(Arc<HashMap<&'static str, Entry>>);

#[derive(Debug)]
struct Entry {
    lane: Arc<Lane>,
    // Unbounded, but never longer than the budgets that were handed out.
    publisher: mpsc::UnboundedSender<(Ticket, Taken)>,
}

/// What the enqueuing side, the publisher and the refresh share about a queue.
#[derive(Debug)]
struct Lane {
    /// How many jobs may take the path until the next refresh.
    budget: AtomicI64,
    /// How many places are taken: by transactions that are still open, and by tickets that are not yet taken by a broker or given
    /// back.
    taken: watch::Sender<i64>,
    /// Rises whenever the path is found closed or leads elsewhere: what was taken before goes back in line.
    changes: AtomicU64,
    transport: RwLock<Option<Transport>>,
}

/// A place on the path, held from the enqueue until its ticket is with the broker, back in line, or never committed.
#[derive(Debug)]
pub(crate) struct Taken {
    lane: Arc<Lane>,
    changes: u64,
}

impl Taken {
    /// Whether the path has been open, and the same, all the time.
    fn still_counts(&self) -> bool {
        self.lane.changes.load(Ordering::Relaxed) == self.changes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.lane.taken.send_modify(|taken| *taken -= 1);
    }
}

impl FastPath {
    /// Opens the path for a process. It closes with `stop`; what took it before is still published, by tasks that end with
    /// the last handle.
    #[must_use]
    pub fn open(pool: &PgPool, brokers: Brokers, queues: Vec<Queue>, stop: CancellationToken) -> Self {
        // One to look, one to put jobs back.
        let db = Connections::few(pool, 2);
        let entries = queues.into_iter().map(|queue| {
            let (publisher, tickets) = mpsc::unbounded_channel();
            let lane = Arc::new(Lane {
                budget: AtomicI64::new(0),
                taken: watch::Sender::new(0),
                changes: AtomicU64::new(0),
                transport: RwLock::new(None),
            });
            tokio::spawn(publish(Arc::clone(&lane), queue.name, tickets, brokers.clone(), db.clone()));
            (queue.name, Entry { lane, publisher })
        });
        let path = Self(Arc::new(entries.collect()));
        tokio::spawn(refresh(path.clone(), db, brokers, stop));
        path
    }

    /// Whether a job of this queue may take the path now.
    #[must_use]
    pub fn is_open(&self, queue: &str) -> bool {
        self.0.get(queue).is_some_and(|entry| entry.lane.budget.load(Ordering::Relaxed) > 0)
    }

    /// Takes one place in the queue's window, if there is one.
    pub(crate) fn take(&self, queue: &str) -> Option<Taken> {
        let lane = &self.0.get(queue)?.lane;
        let changes = lane.changes.load(Ordering::Relaxed);
        let is_free = lane.budget.load(Ordering::Relaxed) > 0 && lane.budget.fetch_sub(1, Ordering::Relaxed) > 0;
        is_free.then(|| {
            lane.taken.send_modify(|taken| *taken += 1);
            Taken { lane: Arc::clone(lane), changes }
        })
    }

    /// Hands a committed ticket to the publisher.
    pub(crate) fn publish(&self, queue: &str, ticket: Ticket, taken: Taken) {
        let Some(entry) = self.0.get(queue) else { return };
        // The publisher only ends with the last handle; the reconciler would find the row.
        let _ = entry.publisher.send((ticket, taken));
    }

    /// Waits until everything that was handed over is published or back in line, but hardly longer than a broker's patience.
    pub(crate) async fn drained(&self) {
        let all = async {
            for entry in self.0.values() {
                // The sender is the lane's own, so that the wait cannot fail.
                let _ = entry.lane.taken.subscribe().wait_for(|taken| *taken == 0).await;
            }
        };
        if tokio::time::timeout(PATIENCE + Duration::from_secs(1), all).await.is_err() {
            tracing::warn!("committed jobs were not published in time; the reconciler will publish them");
        }
    }
}

/// Gives every queue its budget, and closes the path when the ledger cannot be asked, and at the end.
async fn refresh(path: FastPath, db: Connections, brokers: Brokers, stop: CancellationToken) {
    while !stop.is_cancelled() {
        refresh_once(&path, &db, &brokers).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(REFRESH_EVERY) => {}
        }
    }
    for entry in path.0.values() {
        entry.lane.budget.store(0, Ordering::Relaxed);
    }
}

async fn refresh_once(path: &FastPath, db: &Connections, brokers: &Brokers) {
    let rooms = within(LIMIT, async {
        let mut conn = db.lend().await?;
        let rooms = lead::fast_path_room(&mut conn).await?;
        conn.give_back();
        Ok(rooms)
    });
    let rooms = rooms.await.unwrap_or_default();
    for (name, Entry { lane, .. }) in &*path.0 {
        let room = rooms.iter().find(|room| room.queue == *name && room.open);
        let transport = room.and_then(|room| room.transport).filter(|transport| brokers.get(*transport).is_some());
        let before = std::mem::replace(&mut *lane.transport.write().unwrap_or_else(PoisonError::into_inner), transport);
        if transport.is_none() || transport != before {
            lane.changes.fetch_add(1, Ordering::Relaxed);
        }
        // Where the path is closed, there is no transport.
        let room = room.filter(|_| transport.is_some()).map_or(0, |room| room.room);
        let budget = room / SHARE - *lane.taken.borrow();
        lane.budget.store(budget.max(0), Ordering::Relaxed);
    }
}

/// Publishes one queue's committed tickets; those that come while a publish is under way share the next one.
async fn publish(
    lane: Arc<Lane>,
    queue: &'static str,
    mut tickets: mpsc::UnboundedReceiver<(Ticket, Taken)>,
    brokers: Brokers,
    db: Connections,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    while tickets.recv_many(&mut batch, TOGETHER).await > 0 {
        let (sent, late): (Vec<_>, Vec<_>) = batch.iter().partition(|(_, taken)| taken.still_counts());
        let mut back: Vec<Ticket> = late.iter().map(|(ticket, _)| *ticket).collect();
        let sent: Vec<Ticket> = sent.iter().map(|(ticket, _)| *ticket).collect();
        if !sent.is_empty()
            && let Err(problem) = send(&lane, queue, &sent, &brokers).await
        {
            // Nobody else takes the path until the dispatcher has seen what is wrong.
            lane.budget.store(0, Ordering::Relaxed);
            tracing::warn!(queue, problem, jobs = sent.len(), "not published; the jobs go back in line");
            back.extend(sent);
        }
        if !back.is_empty() {
            let released = async {
                let mut conn = db.lend().await?;
                release(&mut conn, &back, Reason::TransportRefused).await?;
                conn.give_back();
                Ok(())
            };
            if let Err(error) = within(RELEASE, released).await {
                tracing::warn!(queue, %error, "could not put jobs back in line; the reconciler will publish them");
            }
        }
        batch.clear();
    }
}

async fn send(lane: &Lane, queue: &str, batch: &[Ticket], brokers: &Brokers) -> Result<(), String> {
    let transport = *lane.transport.read().unwrap_or_else(PoisonError::into_inner);
    let Some(broker) = transport.and_then(|transport| brokers.get(transport)) else {
        return Err("the queue is carried by nothing that this process can reach".to_owned());
    };
    let messages: Vec<Message> = batch.iter().map(|&ticket| Message(vec![ticket])).collect();
    broker.publish(queue, &messages).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
