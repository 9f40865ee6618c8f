//! Messages that came back from the consumer too often, and their way back into the lane.

use std::time::Duration;

use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use market::cargo::EventMessage;
use market::cargo::store::{MAX_REJECT_BYTES, take_reject};
use queue::transport::rabbit::connection::connect;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use shared::audit::{self, Actor, Entry};
use sqlx::{Connection as _, PgConnection};

use super::link::LinkError;
use super::topology;

/// How long RabbitMQ may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
const PERSISTENT: u8 = 2;

/// Why something was not sent back into the lane.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("reject {id} is not there, or is longer than the {MAX_REJECT_BYTES} bytes that are kept; {sent} were sent")]
    NoReject { id: i64, sent: u64 },
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// A connection to the parked messages.
#[derive(Debug)]
pub struct Parked {
    connection: Connection,
    /// With confirms.
    publishing: Channel,
    namespace: String,
}

/// A parked message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedMessage {
    pub routing_key: String,
    pub bytes: usize,
    /// How many events are in it; `None` when it cannot be read.
    pub events: Option<usize>,
    /// Why RabbitMQ parked it: `delivery_limit`, `expired`, …
    pub reason: Option<String>,
}

impl Parked {
    /// Connects, and declares whatever is missing of the lane.
    pub async fn open(url: &SecretString, namespace: &str) -> Result<Self, LinkError> {
        let connection = connect(url, &format!("{namespace} parked events")).await?;
        let publishing = connection.create_channel().await?;
        topology::declare(&publishing, namespace).await?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { connection, publishing, namespace: namespace.to_owned() })
    }

    /// How many messages are parked.
    pub async fn count(&self) -> Result<u32, LinkError> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.publishing.queue_declare(self.queue(), passive, FieldTable::default()).await?;
        Ok(queue.message_count())
    }

    /// The oldest parked messages. They stay where they are.
    pub async fn list(&self, limit: usize) -> Result<Vec<ParkedMessage>, LinkError> {
        let looking = self.connection.create_channel().await?;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(message) = looking.basic_get(self.queue(), BasicGetOptions::default()).await? else { break };
            found.push(ParkedMessage {
                routing_key: message.routing_key.to_string(),
                bytes: message.data.len(),
                events: serde_json::from_slice::<EventMessage<&RawValue>>(&message.data)
                    .ok()
                    .map(|message| message.events.len()),
                reason: message.properties.headers().as_ref().and_then(reason),
            });
        }
        // Messages fetched but not acknowledged go back to their place.
        looking.close(200, "looked".into()).await?;
        Ok(found)
    }

    /// Sends the oldest parked messages into the lane again, each as if it were new, and writes
    /// that to the audit log; returns how many. A message leaves its place only after RabbitMQ has
    /// confirmed it, so an interruption sends it twice, which the event log notices.
    pub async fn replay(&self, conn: &mut PgConnection, actor: Actor, limit: u32) -> Result<u32, ReplayError> {
        let sent = self.send_parked(limit).await?;
        record(conn, actor, sent.into(), &[]).await?;
        Ok(sent)
    }

    /// Does the same with these rejected events, which leave the events database; those sent before
    /// one failed are in the audit log as well.
    pub async fn replay_rejects(
        &self,
        conn: &mut PgConnection,
        events: &mut PgConnection,
        actor: Actor,
        rejects: &[i64],
    ) -> Result<u64, ReplayError> {
        let mut sent = 0;
        let all = self.send_rejects(events, rejects, &mut sent).await;
        let done = rejects.iter().take(usize::try_from(sent).unwrap_or(usize::MAX)).copied().collect::<Vec<_>>();
        if sent > 0 {
            record(conn, actor, sent, &done).await?;
        }
        all?;
        Ok(sent)
    }

    async fn send_rejects(
        &self,
        events: &mut PgConnection,
        rejects: &[i64],
        sent: &mut u64,
    ) -> Result<(), ReplayError> {
        for id in rejects {
            // Removed before it is sent: the consumer may reject it again at once, and that new
            // reject must not be deleted. A failed commit leaves it here as well, and the log
            // notices what it gets twice.
            let mut tx = events.begin().await?;
            let taken = take_reject(&mut tx, *id).await?;
            let (routing_key, bytes) = taken.ok_or(ReplayError::NoReject { id: *id, sent: *sent })?;
            self.publish(&routing_key, &bytes).await?;
            tx.commit().await?;
            *sent += 1;
        }
        Ok(())
    }

    async fn send_parked(&self, limit: u32) -> Result<u32, LinkError> {
        let most = self.count().await?.min(limit);
        for done in 0..most {
            let got = self.publishing.basic_get(self.queue(), BasicGetOptions::default()).await?;
            let Some(message) = got else { return Ok(done) };
            self.publish(message.routing_key.as_str(), &message.data).await?;
            message.ack(BasicAckOptions::default()).await?;
        }
        Ok(most)
    }

    /// Publishes one message into the lane and waits for its confirmation.
    pub async fn publish(&self, routing_key: &str, body: &[u8]) -> Result<(), LinkError> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties =
            BasicProperties::default().with_delivery_mode(PERSISTENT).with_content_type("application/json".into());
        let exchange = topology::exchange(&self.namespace).into();
        let confirmed = async {
            let sent = self.publishing.basic_publish(exchange, routing_key.into(), options, body, properties);
            sent.await?.await
        };
        match tokio::time::timeout(PATIENCE, confirmed).await {
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(_)) => Err(LinkError::new("the message was not taken")),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(LinkError::new("no confirmation within 10 s; is it short of memory or disk?")),
        }
    }

    /// Closes the connection in order, after everything that was acknowledged.
    pub async fn close(self) -> Result<(), LinkError> {
        self.publishing.close(200, "done".into()).await?;
        Ok(self.connection.close(200, "done".into()).await?)
    }

    fn queue(&self) -> ShortString {
        topology::parked(&self.namespace).into()
    }
}

async fn record(conn: &mut PgConnection, actor: Actor, sent: u64, rejects: &[i64]) -> Result<(), sqlx::Error> {
    let (subject, data) = (("events", "parked".to_owned()), json!({"sent": sent, "rejects": rejects}));
    audit::append(conn, Entry { actor, action: "events.replay", subject, data }).await?;
    Ok(())
}

/// The reason for the newest death.
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
