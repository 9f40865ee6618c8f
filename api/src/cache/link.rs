//! The connection to the cache's Redis: it is asked for a moment at most, and left alone for a while after it has not answered.
//!
//! No request waits for a connection to open; that happens beside them, and once in a [`PAUSE`] while Redis is away. So a stopped Redis
//! costs those nothing that come after the first. A connection that was silent once is given up: behind a half-open one nobody ever
//! answers.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, Pipeline, RedisError};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

/// How long a request waits for Redis.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);
/// How long Redis is left alone after it has failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a connection may take to open, beside the requests.
const OPENING: Duration = Duration::from_secs(1);

/// An answer of Redis, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<T> {
    Value(T),
    /// Nothing in time, or an error.
    Nothing,
    /// There is no connection.
    Unasked,
}

/// The one connection of this process.
pub(super) struct Link {
    client: redis::Client,
    patience: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Stage,
    /// How many connections have been opened; the number of the present one.
    opened: u64,
}

#[derive(Debug)]
enum Stage {
    Closed { until: Instant },
    Opening,
    Open(MultiplexedConnection),
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client knows the password.
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Waits so long for each answer. Must be called inside a Tokio runtime.
    pub(super) fn open(url: &SecretString, patience: Duration) -> Result<Self, RedisError> {
        let client = redis::Client::open(url.expose_secret())?;
        let state = State { now: Stage::Closed { until: Instant::now() }, opened: 0 };
        let link = Self { client, patience, state: Arc::new(Mutex::new(state)) };
        link.connection();
        Ok(link)
    }

    /// Sends commands together and reads their answers.
    pub(super) async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Said<T> {
        let Some((mut connection, number)) = self.connection() else { return Said::Unasked };
        match tokio::time::timeout(self.patience, commands.query_async(&mut connection)).await {
            Ok(Ok(value)) => return Said::Value(value),
            Ok(Err(error)) => tracing::debug!(%error, "the cache's Redis failed; it is left alone for a while"),
            Err(_) => tracing::debug!("the cache's Redis did not answer in time; it is left alone for a while"),
        }
        self.give_up(number);
        Said::Nothing
    }

    /// The connection with its number. Without one, and when it is time, one begins to open.
    fn connection(&self) -> Option<(MultiplexedConnection, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.now {
            Stage::Open(connection) => return Some((connection.clone(), state.opened)),
            Stage::Closed { until } if *until <= Instant::now() => {}
            Stage::Closed { .. } | Stage::Opening => return None,
        }
        state.now = Stage::Opening;
        tokio::spawn(connect(self.client.clone(), Arc::clone(&self.state)));
        None
    }

    /// Gives the connection up, unless somebody else has.
    fn give_up(&self, number: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.opened == number && matches!(state.now, Stage::Open(_)) {
            state.now = Stage::Closed { until: Instant::now() + PAUSE };
        }
    }
}

async fn connect(client: redis::Client, state: Arc<Mutex<State>>) {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(OPENING)).set_response_timeout(Some(OPENING));
    let opened = tokio::time::timeout(OPENING, client.get_multiplexed_async_connection_with_config(&config)).await;
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(Ok(connection)) = opened {
        state.now = Stage::Open(connection);
        state.opened += 1;
    } else {
        state.now = Stage::Closed { until: Instant::now() + PAUSE };
    }
}

#[cfg(test)]
mod tests;
