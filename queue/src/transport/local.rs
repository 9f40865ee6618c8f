//! No broker: messages are rows of an unlogged table. It serves tests and the smallest installation.
//!
//! Taking a message deletes it, so that what a dying worker had in hand is lost, as is everything in a crash of the
//! database. The reconciler publishes again what the ledger still calls queued.
//!
//! # How to get this wrong
//! - Dropping a running DELETE when the worker stops: its messages are gone from the table and reach nobody. The pump
//!   therefore finishes its statement, and the worker drains what it brought.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::consume::{self, Ack, Delivery, Held, InHand};
use super::{Broker, BrokerError, Consumer, Deliver, Message, PATIENCE};
use crate::transport::Transport;

/// The most messages that one statement takes.
const BATCH: usize = 250;
/// How long an idle consumer waits before it looks again, when no publisher of its own process wakes it.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The table `local_messages` as a broker.
#[derive(Debug)]
pub struct Local {
    pool: PgPool,
    patience: Duration,
    queues: Mutex<HashMap<String, Arc<Shared>>>,
}

/// What the publishers and consumers of one queue in this process share.
#[derive(Debug, Default)]
struct Shared {
    news: Notify,
    in_hand: InHand,
}

impl Local {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, patience: PATIENCE, queues: Mutex::default() }
    }

    /// Another span than [`PATIENCE`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Answers within the patience. A statement whose connection was cut under it is repeated on another one, as often as
    /// the pool has connections: a cut that ends one ends them all, and the pool learns of each when it is next used. A
    /// message that is then there twice does no harm.
    async fn within<T, F>(&self, statement: impl Fn() -> F) -> Result<T, BrokerError>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let repeated = async {
            let mut cuts = 0;
            loop {
                match statement().await {
                    Err(sqlx::Error::Io(_)) if cuts < self.pool.options().get_max_connections() => cuts += 1,
                    result => return result,
                }
            }
        };
        match tokio::time::timeout(self.patience, repeated).await {
            Ok(result) => result.map_err(|error| BrokerError::new(Transport::Local, error)),
            Err(_) => Err(BrokerError::late(Transport::Local, self.patience)),
        }
    }

    fn queue(&self, name: &str) -> Arc<Shared> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name) {
            return Arc::clone(queue);
        }
        Arc::clone(queues.entry(name.to_owned()).or_default())
    }

    /// Takes messages as long as the worker has room.
    async fn pump(
        &self,
        consumer: &Consumer,
        shared: &Shared,
        deliveries: mpsc::UnboundedSender<Result<Delivery<Room>, BrokerError>>,
        stop: &CancellationToken,
    ) {
        let room = Arc::new(Semaphore::new(consumer.prefetch.max(1)));
        let mut wait = SHORTEST_WAIT;
        loop {
            let first = tokio::select! {
                permit = Arc::clone(&room).acquire_owned() => permit,
                () = stop.cancelled() => return,
            };
            // The semaphore is never closed.
            let Ok(mut permits) = first else { return };
            let more = room.available_permits().min(BATCH - 1);
            if let Some(rest) = u32::try_from(more).ok().and_then(|n| Arc::clone(&room).try_acquire_many_owned(n).ok())
            {
                permits.merge(rest);
            }
            let bodies = match self.within(|| self.take(&consumer.queue, permits.num_permits())).await {
                Ok(bodies) => bodies,
                Err(error) => {
                    // A worker that is gone needs no error.
                    let _ = deliveries.send(Err(error));
                    return;
                }
            };
            if bodies.is_empty() {
                drop(permits);
                tokio::select! {
                    () = shared.news.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                    () = stop.cancelled() => return,
                }
                wait = (wait * 2).min(LONGEST_WAIT);
                continue;
            }
            wait = SHORTEST_WAIT;
            for body in bodies {
                let Some(permit) = permits.split(1) else { break };
                let ack = Room { _permit: permit, _held: shared.in_hand.take() };
                if deliveries.send(Ok(Delivery { body, ack })).is_err() {
                    return;
                }
            }
        }
    }

    async fn take(&self, queue: &str, most: usize) -> Result<Vec<Vec<u8>>, sqlx::Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        store::take(&mut *self.pool.acquire().await?, queue, most).await
    }
}

/// The place that a message takes in a worker, given back once its jobs are claimed.
#[derive(Debug)]
struct Room {
    _permit: OwnedSemaphorePermit,
    _held: Held,
}

impl Ack for Room {
    fn delivered(self) {}
}

impl Broker for Local {
    fn transport(&self) -> Transport {
        Transport::Local
    }

    fn publish<'a>(&'a self, queue: &'a str, messages: &'a [Message]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            if messages.is_empty() {
                return Ok(());
            }
            let bodies: Vec<Vec<u8>> = messages.iter().map(|message| message.encode().into_bytes()).collect();
            self.within(|| async { store::put(&mut *self.pool.acquire().await?, queue, &bodies).await }).await?;
            let shared = self.queue(queue);
            // One permit is kept for a consumer that is just looking, and everybody who waits looks now.
            shared.news.notify_one();
            shared.news.notify_waiters();
            Ok(())
        })
    }

    fn depth<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(async move {
            let waiting = self.within(|| async { store::count(&mut *self.pool.acquire().await?, queue).await }).await?;
            Ok(u64::try_from(waiting).unwrap_or_default() + self.queue(queue).in_hand.count())
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(self.within(|| async { store::clear(&mut *self.pool.acquire().await?, queue).await }))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(self.within(|| async { sqlx::Connection::ping(&mut *self.pool.acquire().await?).await }))
    }

    fn consume(
        self: Arc<Self>,
        consumer: Consumer,
        deliver: Deliver,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), BrokerError>> {
        Box::pin(async move {
            let shared = self.queue(&consumer.queue);
            // Unbounded, but never holds more than there are permits.
            let (sender, mut receiver) = mpsc::unbounded_channel();
            let deliveries = futures::stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed();
            let pump = self.pump(&consumer, &shared, sender, &stop);
            let ((), worked) = tokio::join!(pump, consume::work(Transport::Local, &consumer, deliveries, deliver));
            worked
        })
    }
}
