//! What keeps apalis-redis awake and alive: a connection that knows whether a call is open, a backend that fetches when
//! it is woken and never misses a wake-up, and a codec that reads anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use apalis::prelude::{Backend, Codec, WorkerContext};
use apalis_core::backend::{BackendConfig, WireFormatBackend};
use apalis_redis::{Config, RedisStorage};
use futures::task::AtomicWaker;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};
use tokio::sync::Notify;

/// A connection that counts its open calls. apalis-redis has at most one fetch under way; the count shows from outside
/// whether it is still under way or has come back empty.
#[derive(Clone, Debug)]
pub(super) struct CountedConnection {
    connection: MultiplexedConnection,
    open: Arc<AtomicUsize>,
}

impl CountedConnection {
    pub(super) fn new(connection: MultiplexedConnection) -> Self {
        Self { connection, open: Arc::default() }
    }
}

struct Open<'a>(&'a AtomicUsize);

impl<'a> Open<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ConnectionLike for CountedConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async {
            let _open = Open::new(&self.open);
            self.connection.req_packed_command(cmd).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let _open = Open::new(&self.open);
            self.connection.req_packed_commands(pipeline, offset, count).await
        })
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

/// Rings when there may be something to fetch.
#[derive(Debug, Default)]
pub(super) struct WakeSignal {
    raised: AtomicBool,
    worker: AtomicWaker,
    /// The worker has fetched nothing and waits. Only then may tokens be taken: a busy worker fetches anyway, and would
    /// take the token that wakes an idle one.
    idle: Notify,
}

impl WakeSignal {
    /// Takes tokens from the list `tokens` whenever the worker is idle; returns when the connection is lost.
    pub(super) async fn listen(&self, mut connection: MultiplexedConnection, tokens: &str) -> redis::RedisError {
        loop {
            self.idle.notified().await;
            // After a second without a token the worker looks all the same: a token may have been lost.
            let token: RedisResult<Option<(String, Value)>> =
                redis::cmd("BLPOP").arg(tokens).arg(1).query_async(&mut connection).await;
            if let Err(error) = token {
                return error;
            }
            self.raised.store(true, Ordering::Release);
            self.worker.wake();
        }
    }
}

type Storage = RedisStorage<Vec<u8>, CountedConnection>;

/// [`RedisStorage`] that fetches when it is woken, and then until nothing is left.
///
/// Two faults of the crate are kept away here. Its `poll_with_stream` loses a ring that comes while a fetch is under way,
/// and then sleeps until the next heartbeat. And when a fetch comes back empty it waits for a wake-up without looking at
/// the deliveries that ended in the meantime, so that their acknowledgements wait as well.
#[derive(Debug)]
pub(super) struct Woken {
    storage: Storage,
    connection: CountedConnection,
    wake_signal: Arc<WakeSignal>,
    /// There may be something to fetch.
    fetch_again: bool,
}

impl Woken {
    pub(super) fn new(connection: CountedConnection, config: Config, wake_signal: Arc<WakeSignal>) -> Self {
        let storage = RedisStorage::new(connection.clone()).with_config(config);
        Self { storage, connection, wake_signal, fetch_again: true }
    }

    fn is_fetching(&self) -> bool {
        self.connection.open.load(Ordering::Relaxed) > 0
    }
}

impl Backend for Woken {
    type Task = <Storage as Backend>::Task;
    type Error = <Storage as Backend>::Error;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.storage.poll_ready(cx, worker)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.wake_signal.worker.register(cx.waker());
        // A ring during a fetch stays until that fetch is over: it may have come too late for it.
        if !self.is_fetching() && self.wake_signal.raised.swap(false, Ordering::AcqRel) {
            self.fetch_again = true;
        }
        if !self.fetch_again {
            return Poll::Pending;
        }
        let next = self.storage.poll_next(cx, worker);
        if next.is_pending() && !self.is_fetching() {
            // The fetch came back empty.
            self.fetch_again = false;
            self.wake_signal.idle.notify_one();
            // Once more around: to acknowledge what ended during the fetch, and to hear a ring that came during it.
            cx.waker().wake_by_ref();
        }
        next
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.storage.poll_close(cx, worker)
    }
}

impl BackendConfig for Woken {
    type Args = Vec<u8>;
    type Id = <Storage as BackendConfig>::Id;
    type Kind = <Storage as BackendConfig>::Kind;
    type Config = <Storage as BackendConfig>::Config;
    type Layer = <Storage as BackendConfig>::Layer;

    fn config(&self) -> &Self::Config {
        self.storage.config()
    }

    fn middleware(&mut self, worker: &mut WorkerContext) -> Self::Layer {
        self.storage.middleware(worker)
    }
}

impl WireFormatBackend for Woken {
    type Codec = Bytes;
    type Compact = Vec<u8>;

    fn codec(&self) -> &Bytes {
        &Bytes
    }
}

/// Reads anything: an error here would end the worker, so decoding is left to the service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes;

impl Codec<Vec<u8>> for Bytes {
    type Error = Infallible;
    type Compact = Vec<u8>;

    fn encode(&self, body: &Vec<u8>) -> Result<Vec<u8>, Infallible> {
        Ok(body.clone())
    }

    fn decode(&self, body: &Vec<u8>) -> Result<Vec<u8>, Infallible> {
        Ok(body.clone())
    }
}
