//! Notifies clients of changes, after the commit and on a best-effort basis: PostgreSQL has the
//! truth, and a client that missed something gets a snapshot of it. Publishing never waits and
//! never fails a request.
//!
//! With Redis, every API process hears every process; without it (`tradeyard dev` on PostgreSQL
//! alone), the parts of the process share one in-process channel.
//!
//! # How to get this wrong
//! - Publishing before the commit: clients would see changes that are then rolled back.
//! - Putting something into an event that not every subscriber of its topic may see: secret maxima,
//!   reserves, addresses.

use std::sync::OnceLock;
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc};

/// How many events may wait for Redis; more are dropped, and their clients get snapshots.
const BACKLOG: usize = 4096;
/// How long Redis may take to connect and to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long events are dropped once Redis could not be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// One change of one thing that clients watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `auction:<id>`, `order:<id>` …
    pub topic: String,
    /// The row's version after the change: each topic counts its own, without gaps.
    pub seq: i64,
    /// What happened, such as `bid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What every subscriber of the topic may see.
    pub data: Value,
}

/// The publishing side. Cheap to clone; there is one per process.
#[derive(Clone, Debug)]
pub struct Publisher(Way);

#[derive(Clone, Debug)]
enum Way {
    Redis(mpsc::Sender<Event>),
    Local,
}

/// The setting is not the address of a Redis.
#[derive(Debug, thiserror::Error)]
#[error("REDIS_URL is not a Redis address")]
pub struct InvalidRedisUrl(#[source] redis::RedisError);

/// The channel that all events of an installation travel on.
#[must_use]
pub fn channel(namespace: &str) -> String {
    format!("{namespace}.realtime")
}

/// The in-process channel of an installation without Redis.
pub fn local() -> &'static broadcast::Sender<Event> {
    static LOCAL: OnceLock<broadcast::Sender<Event>> = OnceLock::new();
    LOCAL.get_or_init(|| broadcast::channel(BACKLOG).0)
}

impl Publisher {
    /// Publishes to this process alone.
    #[must_use]
    pub const fn local() -> Self {
        Self(Way::Local)
    }

    /// Publishes over Redis if there is one. Must be called inside a Tokio runtime; the connection
    /// opens in the background.
    pub fn start(redis_url: Option<&SecretString>, namespace: &str) -> Result<Self, InvalidRedisUrl> {
        let Some(url) = redis_url else { return Ok(Self::local()) };
        let client = redis::Client::open(url.expose_secret()).map_err(InvalidRedisUrl)?;
        let (sender, events) = mpsc::channel(BACKLOG);
        tokio::spawn(forward(client, channel(namespace), events));
        Ok(Self(Way::Redis(sender)))
    }

    /// Notifies everybody who watches. Call this after the commit.
    pub fn publish(&self, event: Event) {
        match &self.0 {
            Way::Redis(sender) => {
                if sender.try_send(event).is_err() {
                    metrics::counter!("tradeyard_realtime_dropped_total").increment(1);
                }
            }
            // It is fine if nobody listens.
            Way::Local => drop(local().send(event)),
        }
    }
}

/// Sends what is published until the last publisher is gone. An event that Redis does not take is dropped.
async fn forward(client: redis::Client, channel: String, mut events: mpsc::Receiver<Event>) {
    let mut connection: Option<MultiplexedConnection> = None;
    let mut paused_until = tokio::time::Instant::now();
    while let Some(event) = events.recv().await {
        let Ok(text) = serde_json::to_string(&event) else { continue };
        let mut sent = false;
        // The first call after a lost connection fails: try once more on a new one.
        for _ in 0..2 {
            if connection.is_none() && tokio::time::Instant::now() >= paused_until {
                connection = connect(&client).await;
            }
            let Some(open) = &mut connection else {
                paused_until = paused_until.max(tokio::time::Instant::now() + PAUSE);
                break;
            };
            match redis::cmd("PUBLISH").arg(&channel).arg(&text).exec_async(open).await {
                Ok(()) => {
                    sent = true;
                    break;
                }
                Err(_) => connection = None,
            }
        }
        if !sent {
            metrics::counter!("tradeyard_realtime_dropped_total").increment(1);
        }
    }
}

async fn connect(client: &redis::Client) -> Option<MultiplexedConnection> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    match client.get_multiplexed_async_connection_with_config(&config).await {
        Ok(connection) => Some(connection),
        Err(error) => {
            tracing::debug!(%error, "Redis cannot be reached; events are dropped");
            None
        }
    }
}
