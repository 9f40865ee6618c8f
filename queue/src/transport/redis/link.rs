//! Connections to Redis: one that publishers share, and one per purpose for each consumer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::super::{BrokerError, PATIENCE};
use crate::transport::Transport;

/// How long a consumer waits for an answer before it calls the connection dead.
const ANSWER: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Link(Arc<Inner>, Duration);

struct Inner {
    url: SecretString,
    /// The shared connection, and a number that distinguishes it from the ones before.
    shared: Mutex<(u64, Option<MultiplexedConnection>)>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    pub(super) fn new(url: SecretString) -> Self {
        Self(Arc::new(Inner { url, shared: Mutex::default() }), PATIENCE)
    }

    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self(self.0, patience)
    }

    /// A connection of the caller's own.
    pub(super) async fn open(&self) -> RedisResult<MultiplexedConnection> {
        self.0.open().await
    }

    /// Runs `call` on the shared connection and answers within its patience. A call that failed with its connection is
    /// repeated once on a new one, because the first call after a cut always fails: `call` must be harmless when it is
    /// repeated.
    pub(super) async fn call<T, F>(&self, call: impl Fn(MultiplexedConnection) -> F) -> Result<T, BrokerError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let twice = async {
            let (number, connection) = self.shared().await?;
            match call(connection).await {
                Err(error) if is_cut(&error) => {
                    self.forget(number).await;
                    let (_, connection) = self.shared().await?;
                    call(connection).await
                }
                result => result,
            }
        };
        if let Ok(result) = tokio::time::timeout(self.1, twice).await {
            return result.map_err(|error| BrokerError::new(Transport::Redis, error));
        }
        // It may be half open. Whoever holds the lock is about to replace it.
        if let Ok(mut shared) = self.0.shared.try_lock() {
            shared.1 = None;
        }
        Err(BrokerError::late(Transport::Redis, self.1))
    }

    async fn shared(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let inner = Arc::clone(&self.0);
        // Own task: a slow connection is made even when the caller that asked for it has given up.
        let made = tokio::spawn(async move {
            let mut shared = inner.shared.lock().await;
            if let (number, Some(connection)) = &*shared {
                return Ok((*number, connection.clone()));
            }
            let connection = inner.open().await?;
            let number = shared.0 + 1;
            *shared = (number, Some(connection.clone()));
            Ok((number, connection))
        });
        made.await.unwrap_or_else(|_| Err(RedisError::from((ErrorKind::Io, "connecting was interrupted"))))
    }

    async fn forget(&self, number: u64) {
        let mut shared = self.0.shared.lock().await;
        if shared.0 == number {
            shared.1 = None;
        }
    }
}

impl Inner {
    async fn open(&self) -> RedisResult<MultiplexedConnection> {
        // The crate's message would repeat the URL, which may hold a password.
        let client = redis::Client::open(self.url.expose_secret())
            .map_err(|_| RedisError::from((ErrorKind::InvalidClientConfig, "REDIS_URL cannot be read")))?;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(Some(ANSWER));
        client.get_multiplexed_async_connection_with_config(&config).await
    }
}

fn is_cut(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error()
}
