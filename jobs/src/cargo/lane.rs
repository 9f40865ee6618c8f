//! Publishing events. When [`EventLane::publish`] returns, the events are safe: RabbitMQ has
//! confirmed them, or the log has stored them.
//!
//! # How to get this wrong
//! - Publishing without `mandatory`: events for a deleted queue are confirmed and gone.
//! - Waiting for each confirm individually: 2,500 messages a second instead of 40,000.
//! - Sending one event per message: the broker's work is per message, and fifty events in one cost
//!   it little more than one.
//! - Declaring a deleted lane again at once: its consumer stays, and events are never delivered
//!   ([`DECLARE_AGAIN`]).
//! - Refusing a repeated publish: after a cut nobody knows what arrived, so it is sent again; the log stores it once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Confirmation};
use market::cargo::store::{Reject, StoreError, park, store_events};
use market::cargo::{CargoEvent, EventType, OwnedEvent};
use queue::Ledger;
use queue::transport::rabbit::connection::DECLARE_AGAIN;
use shared::config::Config;
use shared::ids::OrgId;
use sqlx::{Connection as _, PgPool};

use super::ProjectStandings;
use super::link::{Link, LinkError, Live};
use super::topology;

/// The most events that one message carries.
pub const MAX_MESSAGE_EVENTS: usize = 50;
/// A message takes no further event if it would grow beyond this many bytes.
pub const MAX_MESSAGE_BYTES: usize = 32 * 1024;
/// Messages whose confirms are awaited together.
const WINDOW: usize = 1000;
/// How long publishing may take in all: a caller of the API waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
const PERSISTENT: u8 = 2;
/// The most events stored by one statement.
const MAX_ROWS: usize = 1000;

/// Where events go from here. A program has one and clones it.
#[derive(Clone, Debug)]
pub enum EventLane {
    /// Through RabbitMQ, to the consumer that fills the log.
    Broker(BrokerLane),
    /// Straight into the log, for installations without RabbitMQ (the `local` transport): a flood
    /// of events then loads the database as fast as it comes in.
    Store(StoreLane),
}

/// The way straight into the log.
#[derive(Clone, Debug)]
pub struct StoreLane {
    events: PgPool,
    /// Where shipments of ours are told of news; without it they follow by the schedule.
    ledger: Option<Ledger>,
}

/// The lane through RabbitMQ.
#[derive(Clone, Debug)]
pub struct BrokerLane {
    link: Link,
    exchange: ShortString,
}

/// The events were not taken; publishing them again does no harm.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LaneError {
    /// Try again later. Some of the events may have been taken.
    #[error("events cannot be taken now: {0}")]
    Unavailable(String),
    /// The database refused a value that validation let through.
    #[error("an event was refused: {0}")]
    Refused(String),
}

impl From<LinkError> for LaneError {
    fn from(error: LinkError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<StoreError> for LaneError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(error) => Self::Refused(error.to_string()),
            StoreError::Unavailable(error) => Self::Unavailable(error.to_string()),
        }
    }
}

impl EventLane {
    /// The lane selected by the settings. Nothing is connected yet. `events` is a pool for the
    /// log's database.
    #[must_use]
    pub fn new(config: &Config, events: PgPool) -> Self {
        match &config.amqp_url {
            Some(url) => Self::Broker(BrokerLane::new(url.clone(), &config.namespace)),
            None => Self::Store(StoreLane { events, ledger: None }),
        }
    }

    /// The same, and shipments of ours are told of news at once. Through RabbitMQ, the consumer tells them.
    #[must_use]
    pub fn telling(self, ledger: &Ledger) -> Self {
        match self {
            Self::Store(StoreLane { events, .. }) => Self::Store(StoreLane { events, ledger: Some(ledger.clone()) }),
            lane @ Self::Broker(_) => lane,
        }
    }

    /// Hands over events of `org` that have been [checked](market::cargo::Bounds::check). `Ok`: all
    /// of them will be in the log.
    pub async fn publish(&self, org: OrgId, events: &[CargoEvent]) -> Result<(), LaneError> {
        let published = async {
            match self {
                Self::Broker(lane) => lane.send(&messages(org, events)?).await,
                Self::Store(lane) => lane.store(org, events).await,
            }
        };
        tokio::time::timeout(PATIENCE, published).await.unwrap_or_else(|_| Err(late()))?;
        metrics::counter!("tradeyard_cargo_events_published_total").increment(events.len() as u64);
        Ok(())
    }

    /// Hands over events of `org` that cannot be recorded as they are, each with the reason. `Ok`: all of them will be among the
    /// rejects, where an operator can mend them.
    pub async fn quarantine(&self, org: OrgId, events: &[(CargoEvent, String)]) -> Result<(), LaneError> {
        let published = async {
            match self {
                Self::Broker(lane) => lane.quarantine(org, events).await,
                Self::Store(lane) => keep(&lane.events, org, events).await,
            }
        };
        tokio::time::timeout(PATIENCE, published).await.unwrap_or_else(|_| Err(late()))?;
        metrics::counter!("tradeyard_cargo_events_quarantined_total").increment(events.len() as u64);
        Ok(())
    }

    /// Whether the lane would take events now.
    pub async fn ping(&self) -> Result<(), LaneError> {
        match self {
            Self::Broker(lane) => lane.unblocked().await.map(|_| ()),
            Self::Store(lane) => {
                let answered = async { lane.events.acquire().await?.ping().await };
                answered.await.map_err(|error| LaneError::Unavailable(error.to_string()))
            }
        }
    }
}

fn late() -> LaneError {
    LaneError::Unavailable("no confirmation within 5 s".to_owned())
}

async fn keep(pool: &PgPool, org: OrgId, events: &[(CargoEvent, String)]) -> Result<(), LaneError> {
    let mut conn = pool.acquire().await.map_err(StoreError::from)?;
    let rejects: Vec<Reject> =
        events.iter().map(|(event, reason)| Reject::of(org, event, topology::QUARANTINE, reason)).collect();
    Ok(park(&mut conn, &rejects).await.map_err(StoreError::from)?)
}

/// Has shipments follow what was recorded: the marks of this number. What fails here is found by the schedule.
pub async fn tell_shipments(ledger: &Ledger, change: i64) {
    let job = ProjectStandings { change: Some(change) };
    match tokio::time::timeout(PATIENCE, ledger.enqueue(&job)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "shipments were not told of news; they follow by the schedule"),
        Err(_) => tracing::warn!("shipments were not told of news within 5 s; they follow by the schedule"),
    }
}

impl StoreLane {
    async fn store(&self, org: OrgId, events: &[CargoEvent]) -> Result<(), LaneError> {
        let mut conn = self.events.acquire().await.map_err(StoreError::from)?;
        let mut changes = Vec::new();
        for events in events.chunks(MAX_ROWS) {
            let rows: Vec<OwnedEvent> = events.iter().map(|event| OwnedEvent { org, event: event.clone() }).collect();
            changes.extend(store_events(&mut conn, &rows).await?.change);
        }
        drop(conn);
        if let Some(ledger) = &self.ledger {
            for change in changes {
                tell_shipments(ledger, change).await;
            }
        }
        Ok(())
    }
}

enum Refusal {
    /// No queue takes the message: it has been deleted since it was declared.
    Unroutable,
    Broken(LinkError),
}

impl From<lapin::Error> for Refusal {
    fn from(error: lapin::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl BrokerLane {
    /// A lane that connects when it is first used.
    #[must_use]
    pub fn new(url: secrecy::SecretString, namespace: &str) -> Self {
        Self { link: Link::new(url, namespace.to_owned()), exchange: topology::exchange(namespace).into() }
    }

    /// The consumer finds the reasons again: nothing but the event is in a message.
    async fn quarantine(&self, org: OrgId, events: &[(CargoEvent, String)]) -> Result<(), LaneError> {
        let mut messages = Vec::new();
        pack(org, topology::QUARANTINE, events.iter().map(|(event, _)| event), &mut messages)?;
        self.send(&messages).await
    }

    /// Publishes, over a second connection if the first was cut or a queue was gone: a new
    /// connection declares the lane.
    async fn send(&self, messages: &[Message]) -> Result<(), LaneError> {
        let mut repeated = false;
        loop {
            let live = self.unblocked().await?;
            // Dropped when the caller runs out of patience: a connection that does not confirm is not used again.
            let mut doubt = Doubt { link: Some(self.link.clone()), live: live.clone() };
            let refusal = match self.publish_all(&live, messages).await {
                Ok(()) => {
                    doubt.link = None;
                    return Ok(());
                }
                Err(Refusal::Unroutable) => LinkError::new("no queue takes events"),
                Err(Refusal::Broken(error)) => error,
            };
            doubt.link = None;
            self.link.forget(&live).await;
            if repeated {
                return Err(refusal.into());
            }
            tracing::debug!(error = %refusal, "publishing events again");
            repeated = true;
            // The queue may be gone, and the new connection declares it.
            tokio::time::sleep(DECLARE_AGAIN).await;
        }
    }

    async fn unblocked(&self) -> Result<std::sync::Arc<Live>, LaneError> {
        let live = self.link.live().await?;
        // Whatever is sent over a blocked connection stays in this process's memory.
        if live.connection.status().blocked() {
            return Err(LaneError::Unavailable("RabbitMQ is short of memory or disk".to_owned()));
        }
        Ok(live)
    }

    async fn publish_all(&self, live: &Live, messages: &[Message]) -> Result<(), Refusal> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties =
            BasicProperties::default().with_delivery_mode(PERSISTENT).with_content_type("application/json".into());
        for window in messages.chunks(WINDOW) {
            let turn = live.turn.lock().await;
            // Together, so that the frames of a window go to the socket in one go.
            let sent = try_join_all(window.iter().map(|Message { key, body }| {
                live.publishing.basic_publish(self.exchange.clone(), key.clone(), options, body, properties.clone())
            }))
            .await?;
            drop(turn);
            for confirmation in try_join_all(sent).await? {
                match confirmation {
                    Confirmation::Ack(None) => {}
                    Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => return Err(Refusal::Unroutable),
                    Confirmation::Nack(None) | Confirmation::NotRequested => {
                        return Err(Refusal::Broken(LinkError::new("a message was not confirmed")));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Gives up a connection when publishing over it was abandoned half-way.
struct Doubt {
    link: Option<Link>,
    live: std::sync::Arc<Live>,
}

impl Drop for Doubt {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            let live = self.live.clone();
            tokio::spawn(async move { link.forget(&live).await });
        }
    }
}

/// A [`market::cargo::EventMessage`] as it is published.
struct Message {
    key: ShortString,
    body: Vec<u8>,
}

/// Packs events into messages by type and source, which the routing key names.
fn messages(org: OrgId, events: &[CargoEvent]) -> Result<Vec<Message>, LaneError> {
    let mut full = Vec::new();
    for kind in EventType::ALL {
        let mut by_source: BTreeMap<&str, Vec<&CargoEvent>> = BTreeMap::new();
        for event in events.iter().filter(|event| event.kind == kind) {
            by_source.entry(&event.source).or_default().push(event);
        }
        for (source, events) in by_source {
            pack(org, &topology::routing_key(source, kind), events.into_iter(), &mut full)?;
        }
    }
    Ok(full)
}

fn pack<'a>(
    org: OrgId,
    key: &str,
    events: impl Iterator<Item = &'a CargoEvent>,
    full: &mut Vec<Message>,
) -> Result<(), LaneError> {
    let key = ShortString::from(key);
    let head = format!(r#"{{"org":"{org}","events":["#);
    let mut body = head.clone().into_bytes();
    let mut count = 0;
    for event in events {
        let json = serde_json::to_vec(event).map_err(|error| LaneError::Refused(error.to_string()))?;
        let fits = count < MAX_MESSAGE_EVENTS && body.len() + json.len() + 3 <= MAX_MESSAGE_BYTES;
        if count > 0 && !fits {
            body.extend_from_slice(b"]}");
            let body = std::mem::replace(&mut body, head.clone().into_bytes());
            full.push(Message { key: key.clone(), body });
            count = 0;
        }
        if count > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&json);
        count += 1;
    }
    if count > 0 {
        body.extend_from_slice(b"]}");
        full.push(Message { key, body });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
