//! What must exist in RabbitMQ for the events lane. Both ends declare all of it: whichever comes
//! first creates it, and whichever finds it gone creates it again.
//!
//! RabbitMQ 4 gives up a message that has come back unacknowledged twenty times, as after that many
//! crashes of the consumer, and throws it away unless the queue says where it should go. Ours does,
//! on every version from 3.10 on and with the same limit: such a message is parked, and the consumer moves
//! it to the rejects ([`super::Parked`]).
//!
//! # How to get this wrong
//! - Changing the arguments of an existing queue: RabbitMQ refuses the declaration for ever. A
//!   change needs a new name, and the queue under the former name is drained ([`former_queue`]).
//! - Making the parking queue a quorum queue: it would have a limit of its own, and nowhere to go
//!   from there.

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind};
use market::cargo::EventType;

/// How often a message may come back before it is parked: RabbitMQ 4's own default.
pub const DELIVERY_LIMIT: i32 = 20;

/// The topic exchange that events are published to; others may bind queues of their own to it.
#[must_use]
pub fn exchange(namespace: &str) -> String {
    format!("{namespace}.events")
}

/// The queue that the event log is filled from.
#[must_use]
pub fn queue(namespace: &str) -> String {
    format!("{namespace}.events.cargo.2")
}

/// The queue from before it had a limit and a parking place. It gets no new messages; the consumer
/// empties it if it exists.
#[must_use]
pub fn former_queue(namespace: &str) -> String {
    format!("{namespace}.events.cargo")
}

/// The exchange and the queue for messages that came back too often.
#[must_use]
pub fn parked(namespace: &str) -> String {
    format!("{namespace}.events.parked")
}

/// The longest routing key, in bytes: AMQP's own bound.
const MAX_KEY: usize = 255;

/// `cargo.<source>.<type>`, such as `cargo.carrier:hansa.actual`: others can bind to what one source reports (`cargo.carrier:hansa.*`)
/// or to one type of all of them (`cargo.*.planned`).
///
/// The source is one word of the key whatever it is called: what is not a letter, a digit, `-`, `_` or `:` becomes `_`, as a dot would
/// make two words of it and `*` and `#` mean something to those who bind. A key is where a message goes; the event says who reported it.
#[must_use]
pub fn routing_key(source: &str, kind: EventType) -> String {
    let kind = kind.name();
    let room = MAX_KEY - "cargo..".len() - kind.len();
    let word = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':') { c } else { '_' };
    let mut source: String = source.chars().take(room).map(word).collect();
    if source.is_empty() {
        source.push('_');
    }
    format!("cargo.{source}.{kind}")
}

/// The routing key of events that are not to be recorded as they are: the consumer keeps them among the rejects.
pub const QUARANTINE: &str = "cargo.quarantine";

/// Declares the exchange and the queue for messages that came back too often, without the rest of the lane: whoever finds a queue of
/// the lane deleted must not declare it again at once.
pub async fn declare_parked(channel: &Channel, namespace: &str) -> lapin::Result<()> {
    let parked = ShortString::from(parked(namespace));
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    // Fanout: a message keeps the routing key that it had.
    channel.exchange_declare(parked.clone(), ExchangeKind::Fanout, durable, FieldTable::default()).await?;
    let classic = arguments(&[("x-queue-type", "classic")]);
    channel.queue_declare(parked.clone(), QueueDeclareOptions::durable(), classic).await?;
    bind(channel, parked.clone(), parked, "").await
}

/// Declares the exchanges, queues and bindings that are missing.
pub async fn declare(channel: &Channel, namespace: &str) -> lapin::Result<()> {
    let exchange = ShortString::from(exchange(namespace));
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.clone(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
    declare_parked(channel, namespace).await?;
    let parked = parked(namespace);

    // A quorum queue survives its node and, at the size of our messages, takes in more than twice
    // as much as a classic one.
    let mut quorum = arguments(&[
        ("x-queue-type", "quorum"),
        ("x-dead-letter-exchange", parked.as_str()),
        // A message stays until it is parked; this strategy requires the overflow below, which
        // never happens without a length limit.
        ("x-dead-letter-strategy", "at-least-once"),
        ("x-overflow", "reject-publish"),
    ]);
    quorum.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
    let queue = ShortString::from(queue(namespace));
    channel.queue_declare(queue.clone(), QueueDeclareOptions::durable(), quorum).await?;
    bind(channel, queue, exchange.clone(), "cargo.#").await?;
    // After the new binding: a message that goes to both is stored once. Unbinding what does not
    // exist does nothing.
    let former = ShortString::from(former_queue(namespace));
    channel.queue_unbind(former, exchange, "cargo.#".into(), FieldTable::default()).await
}

/// Removes the lane with everything waiting in it.
pub async fn delete(channel: &Channel, namespace: &str) -> lapin::Result<()> {
    for queue in [queue(namespace), former_queue(namespace), parked(namespace)] {
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
    }
    for exchange in [exchange(namespace), parked(namespace)] {
        channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await?;
    }
    Ok(())
}

async fn bind(channel: &Channel, queue: ShortString, exchange: ShortString, key: &str) -> lapin::Result<()> {
    channel.queue_bind(queue, exchange, key.into(), QueueBindOptions::default(), FieldTable::default()).await
}

fn arguments(texts: &[(&str, &str)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in texts {
        table.insert((*name).into(), AMQPValue::LongString(LongString::from(*value)));
    }
    table
}

#[cfg(test)]
mod tests;
