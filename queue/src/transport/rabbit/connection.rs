//! How this program connects to RabbitMQ and subscribes to a queue, in both lanes.

use std::io;
use std::time::Duration;

use lapin::options::BasicConsumeOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use secrecy::{ExposeSecret, SecretString};

/// Connecting takes several round trips, over TLS more.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// Seconds between signs of life, unless the URL says otherwise; a silent connection is dead after two of them.
const HEARTBEAT: u16 = 10;
/// The most bytes in a frame, unless the URL says otherwise; what is larger travels in several. lapin keeps room for 32 frames each way:
/// with the 128 KiB that RabbitMQ offers that is 8 MB for every connection, and all of it is touched.
const FRAME_MAX: u32 = 16 * 1024;
/// How long whoever finds a queue deleted waits before declaring it again, so that RabbitMQ has ended its consumers by then.
///
/// A quorum queue declared 20 ms after its deletion gets the consumers of the deleted one: they hear of nothing, and the first
/// messages are taken for repetitions of what they had before and never delivered. 50 ms later they are ended (RabbitMQ 3.10
/// at rest). The consumer's argument against it, `x-cancel-on-ha-failover`, is refused by quorum queues.
pub const DECLARE_AGAIN: Duration = Duration::from_millis(500);

/// Why there is no connection. Says nothing of the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("AMQP_URL cannot be read")]
    Url,
    #[error("no connection within 10 s")]
    Late,
    #[error(transparent)]
    Refused(#[from] lapin::Error),
}

/// Connects; `name` is shown in RabbitMQ's own tools. Without lapin's own recovery: after it, nobody knows which confirms
/// were lost, and a deleted queue stays away.
pub async fn connect(url: &SecretString, name: &str) -> Result<Connection, ConnectError> {
    let mut uri: AMQPUri = url.expose_secret().parse().map_err(|_| ConnectError::Url)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    uri.query.frame_max.get_or_insert(FRAME_MAX);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let connecting = tokio::time::timeout(CONNECT, Connection::connect_uri(uri, properties));
    Ok(connecting.await.map_err(|_| ConnectError::Late)??)
}

/// Subscribes to `queue`; when the caller gives up, the subscription is ended again.
///
/// In a task of its own, because lapin does not notice that nobody waits any more: it keeps the consumer, the consumer
/// keeps the channel and the connection, and RabbitMQ's deliveries go where nobody reads them.
pub async fn subscribe(channel: &Channel, queue: ShortString, tag: ShortString) -> lapin::Result<Consumer> {
    let channel = channel.clone();
    let subscribing = tokio::spawn(async move {
        channel.basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default()).await
    });
    subscribing.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
