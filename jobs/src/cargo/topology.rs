//! What the events lane needs to exist in RabbitMQ. Both ends declare all of it: whoever comes first makes it, and whoever
//! finds it gone makes it again.

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind};
use market::cargo::EventType;

/// The topic exchange that events are published to; others may bind queues of their own to it.
#[must_use]
pub fn exchange(namespace: &str) -> String {
    format!("{namespace}.events")
}

/// The queue that the event log is filled from.
#[must_use]
pub fn queue(namespace: &str) -> String {
    format!("{namespace}.events.cargo")
}

/// `cargo.planned`, `cargo.estimated`, `cargo.actual`.
#[must_use]
pub fn routing_key(kind: EventType) -> String {
    format!("cargo.{}", kind.name())
}

/// Makes exchange, queue and binding where they are missing.
pub async fn declare(channel: &Channel, namespace: &str) -> lapin::Result<()> {
    let (exchange, queue) = names(namespace);
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.clone(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
    // A quorum queue survives its node and, at the size of our messages, takes more than twice what a classic one does.
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
    channel.queue_declare(queue.clone(), QueueDeclareOptions::durable(), arguments).await?;
    channel.queue_bind(queue, exchange, "cargo.#".into(), QueueBindOptions::default(), FieldTable::default()).await
}

/// Removes the lane with everything that waits in it.
pub async fn delete(channel: &Channel, namespace: &str) -> lapin::Result<()> {
    let (exchange, queue) = names(namespace);
    channel.queue_delete(queue, QueueDeleteOptions::default()).await?;
    channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await
}

fn names(namespace: &str) -> (ShortString, ShortString) {
    (exchange(namespace).into(), queue(namespace).into())
}
