//! Redis through apalis-redis, kept within the limits that it has.
//!
//! apalis-redis fetches, acknowledges and counts workers. The rest is done here, because its own way breaks or does not
//! fit (`docs/decisions/0002` has the faults and the tests): publishing puts messages on the active list at once, idle
//! workers are woken by a token, bodies are decoded inside the service, finished tasks are swept a few hundred at a time,
//! and what a dead worker had in hand goes back after [`Redis::LIFE`] by the server's clock alone.
//!
//! # How to get this wrong
//! - `lock_tasks(true)`: an `LREM` over the whole backlog for every task.
//! - `persist_results(false)`: nothing is ever acknowledged.
//! - Short heartbeats: they stop while tasks wait in the worker's buffer, and they compare the clocks of machines.
//! - Returning an error from the service: apalis-redis retries by a schedule of its own, and the ledger does as well.
//! - Reusing a worker's name: a name that is still registered is refused.

mod keys;
mod link;
mod storage;

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use apalis::prelude::{ParallelizeExt, WorkerBuilder, WorkerContext, WorkerError};
use apalis_redis::Config;
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::limit::ConcurrencyLimitLayer;

use self::keys::Keys;
use self::link::Link;
use self::storage::{CountedConnection, WakeSignal, Woken};
use super::consume;
use super::{Broker, BrokerError, Consumer, Deliver, Message, PATIENCE};
use crate::transport::Transport;

static PUBLISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("publish.lua")));
static DEPTH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("depth.lua")));
static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sweep.lua")));
static REAP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("reap.lua")));
static PURGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("purge.lua")));

/// Messages in one call of `publish.lua`; a call blocks the server for about 4 µs a message.
const PUSH: usize = 500;
/// The most idle consumers that one push wakes.
const TOKENS: usize = 16;
/// Finished tasks that are forgotten at once.
const SWEPT: u64 = 500;
/// The most tasks that one fetch brings.
const BATCH: usize = 250;

/// Redis as a broker.
pub struct Redis {
    link: Link,
    namespace: String,
    /// How long a worker counts as alive after its last sign of life.
    life: Duration,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Redis {
    /// When a worker has not shown itself for this long, others take over what it had in hand.
    pub const LIFE: Duration = Duration::from_secs(15);

    /// Connects when it is first used. `namespace` prefixes every key.
    #[must_use]
    pub fn new(url: SecretString, namespace: &str) -> Self {
        Self { link: Link::new(url), namespace: namespace.to_owned(), life: Self::LIFE }
    }

    /// Another span than [`Redis::LIFE`]; at least 100 ms.
    #[must_use]
    pub fn with_life(self, life: Duration) -> Self {
        Self { life: life.max(Duration::from_millis(100)), ..self }
    }

    /// Another span than [`PATIENCE`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { link: self.link.with_patience(patience), ..self }
    }

    fn keys(&self, queue: &str) -> Keys {
        Keys::new(&self.namespace, queue)
    }

    async fn work(&self, consumer: &Consumer, deliver: Deliver, stop: &CancellationToken) -> Result<(), BrokerError> {
        let keys = self.keys(&consumer.queue);
        let lost = |error| BrokerError::new(Transport::Redis, error);
        let mut connection = self.link.open().await.map_err(lost)?;
        let wake_connection = self.link.open().await.map_err(lost)?;
        // Before apalis registers the worker, or another one would take it for dead.
        self.show_life(&mut connection, &keys, &consumer.name).await.map_err(lost)?;

        let finished = Arc::new(Finished::default());
        let wake_signal = Arc::new(WakeSignal::default());
        let context = WorkerContext::new(&consumer.name);
        let run = worker(&context, &keys, consumer, connection.clone(), &wake_signal, &finished, deliver);
        let worked = tokio::select! {
            ended = consume::until(stop, &context, run) =>
                ended.map_err(|error| BrokerError::new(Transport::Redis, error)),
            error = wake_signal.listen(wake_connection, &keys.tokens) => Err(lost(error)),
            error = self.keep_house(connection.clone(), &keys, consumer, &finished) => Err(lost(error)),
        };
        if worked.is_ok() {
            // apalis drops a fetch that is under way when it stops; what that brought goes back now. If this fails,
            // somebody else does it when this worker's sign of life has expired.
            let gone = async {
                redis::cmd("DEL").arg(keys.alive(&consumer.name)).exec_async(&mut connection).await?;
                reap(&mut connection, &keys, Some(&consumer.name)).await?;
                sweep(&mut connection, &keys).await
            };
            let _ = tokio::time::timeout(PATIENCE, gone).await;
        }
        worked
    }

    /// Shows that the worker lives, takes over from dead ones, and forgets finished tasks; returns when it cannot.
    async fn keep_house(
        &self,
        mut connection: MultiplexedConnection,
        keys: &Keys,
        consumer: &Consumer,
        finished: &Finished,
    ) -> redis::RedisError {
        let mut tick = tokio::time::interval(self.life / 3);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let round = tokio::select! {
                _ = tick.tick() => async {
                    self.show_life(&mut connection, keys, &consumer.name).await?;
                    let back = reap(&mut connection, keys, None).await?;
                    if back > 0 {
                        tracing::warn!(job.queue = consumer.queue, messages = back, "took over from a dead worker");
                    }
                    sweep(&mut connection, keys).await
                }.await,
                () = finished.many.notified() => sweep(&mut connection, keys).await,
            };
            if let Err(error) = round {
                return error;
            }
        }
    }

    async fn show_life(&self, connection: &mut MultiplexedConnection, keys: &Keys, worker: &str) -> RedisResult<()> {
        let life = u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX);
        redis::cmd("SET").arg(keys.alive(worker)).arg(1).arg("PX").arg(life).exec_async(connection).await
    }
}

/// The apalis worker over its Redis storage.
// Not async: the compiler cannot see that a future that holds the worker itself may be sent between threads.
fn worker(
    context: &WorkerContext,
    keys: &Keys,
    consumer: &Consumer,
    connection: MultiplexedConnection,
    wake_signal: &Arc<WakeSignal>,
    finished: &Arc<Finished>,
    deliver: Deliver,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    // A fetch begins while one place is free, and its whole batch counts as in hand: together `prefetch`.
    let prefetch = consumer.prefetch.max(1);
    let batch = (prefetch / 4).clamp(1, BATCH);
    let config = Config::default()
        .queue(&keys.queue)
        .batch_size(batch)
        .lock_tasks(false)
        .emit_events(false)
        .persist_results(true)
        // Liveness is ours (`reap.lua`): apalis compares the clocks of machines.
        .heartbeat_interval(Duration::from_hours(1))
        .missed_heartbeats(30 * 24);
    let queue: Arc<str> = consumer.queue.as_str().into();
    let finished = Arc::clone(finished);
    let worker = WorkerBuilder::new(context)
        .backend(Woken::new(CountedConnection::new(connection), config, Arc::clone(wake_signal)))
        .layer(ConcurrencyLimitLayer::new(prefetch - batch + 1))
        .parallelize(tokio::spawn)
        .build(move |body: Vec<u8>| {
            let (queue, deliver, finished) = (Arc::clone(&queue), deliver.clone(), Arc::clone(&finished));
            async move {
                consume::hand_over(Transport::Redis, &queue, &body, deliver).await;
                finished.one_more();
                Ok::<(), Infallible>(())
            }
        });
    worker.run().boxed()
}

/// Counts deliveries, and returns when enough have come together to be swept.
#[derive(Debug, Default)]
struct Finished {
    count: AtomicU64,
    many: Notify,
}

impl Finished {
    fn one_more(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) % SWEPT == SWEPT - 1 {
            self.many.notify_one();
        }
    }
}

async fn sweep(connection: &mut MultiplexedConnection, keys: &Keys) -> RedisResult<()> {
    loop {
        let swept: u64 =
            SWEEP.key(&keys.done).key(&keys.data).key(&keys.meta).arg(SWEPT).invoke_async(connection).await?;
        if swept < SWEPT {
            return Ok(());
        }
    }
}

/// Gives back what dead workers had in hand, and what `leaving` still has.
async fn reap(connection: &mut MultiplexedConnection, keys: &Keys, leaving: Option<&str>) -> RedisResult<u64> {
    let mut script = REAP.key(&keys.workers);
    script.key(&keys.in_flight).key(&keys.alive).key(&keys.active).key(&keys.data).key(&keys.worker_meta);
    script.key(&keys.tokens).key(&keys.meta);
    if let Some(worker) = leaving {
        script.arg(worker);
    }
    script.invoke_async(connection).await
}

impl Broker for Redis {
    fn transport(&self) -> Transport {
        Transport::Redis
    }

    fn publish<'a>(&'a self, queue: &'a str, messages: &'a [Message]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let keys = &self.keys(queue);
            // Ids of our own, the same in a repeated call: apalis reads any number as one.
            let tasks: Vec<(u64, String)> = messages.iter().map(|message| (rand::random(), message.encode())).collect();
            let tasks = &tasks;
            let push = |connection: MultiplexedConnection| async move {
                let calls = tasks.chunks(PUSH).map(|chunk| {
                    let mut connection = connection.clone();
                    async move {
                        let mut script = PUBLISH.key(&keys.data);
                        script.key(&keys.meta).key(&keys.active).key(&keys.tokens).arg(TOKENS);
                        for (id, body) in chunk {
                            script.arg(id).arg(body);
                        }
                        script.invoke_async::<u64>(&mut connection).await
                    }
                });
                try_join_all(calls).await
            };
            self.link.call(push).await?;
            Ok(())
        })
    }

    fn depth<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(async move {
            let keys = &self.keys(queue);
            let count = |mut connection: MultiplexedConnection| async move {
                let mut script = DEPTH.key(&keys.active);
                script.key(&keys.scheduled).key(&keys.workers).key(&keys.in_flight);
                script.invoke_async::<u64>(&mut connection).await
            };
            self.link.call(count).await
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let keys = &self.keys(queue);
            let clear = |mut connection: MultiplexedConnection| async move {
                loop {
                    let mut script = PURGE.key(&keys.active);
                    script.key(&keys.scheduled).key(&keys.data).key(&keys.meta).arg(SWEPT);
                    if script.invoke_async::<u64>(&mut connection).await? == 0 {
                        return Ok(());
                    }
                }
            };
            self.link.call(clear).await
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(self.link.call(|mut connection: MultiplexedConnection| async move {
            redis::cmd("PING").exec_async(&mut connection).await
        }))
    }

    fn consume(
        self: Arc<Self>,
        consumer: Consumer,
        deliver: Deliver,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), BrokerError>> {
        Box::pin(async move { self.work(&consumer, deliver, &stop).await })
    }
}
