//! Messages that came back from the consumer too often, and their way to the rejects, where operators see, mend and replay them.
//!
//! # How to get this wrong
//! - Acknowledging before the row is committed: an interruption loses the message.
//! - Cutting what is too long for a row, as is done with what cannot be read: the events in it may be sound. It stays parked.
//! - A row for each delivery: an interruption after the commit brings the same bytes again. They are one row.

use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection};
use market::cargo::store::{MAX_REJECT_BYTES, Reject, keep_parked};
use queue::transport::rabbit::connection::connect;
use secrecy::SecretString;
use sqlx::PgConnection;

use super::link::LinkError;
use super::topology;

/// Why parked messages were not collected. They are where they were.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl From<lapin::Error> for CollectError {
    fn from(error: lapin::Error) -> Self {
        Self::Link(error.into())
    }
}

/// What became of parked messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// They are rejects now.
    pub moved: u32,
    /// They are too long for a reject and stay.
    pub too_long: u32,
}

/// A connection to the parked messages.
#[derive(Debug)]
pub struct Parked {
    connection: Connection,
    asking: Channel,
    namespace: String,
}

impl Parked {
    /// Connects, and declares the place where they wait if it is missing.
    pub async fn open(url: &SecretString, namespace: &str) -> Result<Self, LinkError> {
        let connection = connect(url, &format!("{namespace} parked events")).await?;
        let asking = connection.create_channel().await?;
        topology::declare_parked(&asking, namespace).await?;
        Ok(Self { connection, asking, namespace: namespace.to_owned() })
    }

    /// How many messages are parked.
    pub async fn count(&self) -> Result<u32, LinkError> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.asking.queue_declare(self.queue(), passive, FieldTable::default()).await?;
        Ok(queue.message_count())
    }

    /// Moves at most `most` messages to the rejects, the oldest first, however many before them are too long. `events` connects to
    /// the database of the log. An interruption leaves a message parked, be its row committed or not; collected again, it is the same row.
    pub async fn collect(&self, events: &mut PgConnection, most: u32) -> Result<Collected, CollectError> {
        let parked = self.count().await?;
        // A channel of its own: what was fetched and not acknowledged goes back to its place when it is closed.
        let fetching = self.connection.create_channel().await?;
        let fetched = self.fetch(&fetching, events, parked, most).await;
        let closed = fetching.close(200, "collected".into()).await;
        let collected = fetched?;
        closed?;
        metrics::counter!("tradeyard_cargo_parked_collected_total").increment(collected.moved.into());
        if collected.too_long > 0 {
            tracing::warn!(messages = collected.too_long, "parked messages are too long for the rejects; they stay");
        }
        Ok(collected)
    }

    /// Moves at most `most` of the first `parked` messages.
    async fn fetch(
        &self,
        fetching: &Channel,
        events: &mut PgConnection,
        parked: u32,
        most: u32,
    ) -> Result<Collected, CollectError> {
        let mut collected = Collected::default();
        for _ in 0..parked {
            if collected.moved == most {
                break;
            }
            let got = fetching.basic_get(self.queue(), BasicGetOptions::default()).await?;
            let Some(message) = got else { break };
            if message.data.len() > MAX_REJECT_BYTES {
                collected.too_long += 1;
                continue;
            }
            let why = message.properties.headers().as_ref().and_then(reason);
            let reject = Reject {
                reason: format!("RabbitMQ gave it up: {}", why.as_deref().unwrap_or("it does not say why")),
                bytes: message.data.clone(),
                routing_key: message.routing_key.to_string(),
            };
            keep_parked(events, &reject).await?;
            message.ack(BasicAckOptions::default()).await?;
            collected.moved += 1;
        }
        Ok(collected)
    }

    /// Closes the connection in order, after everything that was acknowledged.
    pub async fn close(self) -> Result<(), LinkError> {
        self.asking.close(200, "done".into()).await?;
        Ok(self.connection.close(200, "done".into()).await?)
    }

    fn queue(&self) -> ShortString {
        topology::parked(&self.namespace).into()
    }
}

/// The reason for the newest death, such as `delivery_limit`.
fn reason(headers: &FieldTable) -> Option<String> {
    let deaths = headers.inner().get("x-death")?.as_array()?;
    match deaths.as_slice().first()? {
        AMQPValue::FieldTable(death) => {
            let reason = death.inner().get("reason")?.as_long_string()?;
            Some(String::from_utf8_lossy(reason.as_bytes()).into_owned())
        }
        _ => None,
    }
}
