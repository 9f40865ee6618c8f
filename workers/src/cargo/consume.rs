//! Fills the event log from RabbitMQ.
//!
//! Messages are collected, written in one statement, and acknowledged together after the commit. The first event of a quiet
//! moment is written at once; under load a batch grows while the ones before it are being written, so the batch size follows
//! the rate by itself.
//!
//! # How to get this wrong
//! - Acknowledging before the commit: what is in hand is lost with the process.
//! - Acknowledging `multiple` when batches end out of order: the batches in flight are awaited in their order.
//! - A prefetch no larger than a batch: the broker stands still while a batch is written.
//! - Dropping what is in hand when the broker ends the consumer: a deleted queue will not deliver it again.
//! - Letting one bad event stop the lane: it is parked (`cargo_rejects`) and the rest goes on.

use std::time::Duration;

use anyhow::Context;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::future::ready;
use futures::stream::{self, BoxStream, FuturesOrdered};
use futures::{FutureExt, Stream, StreamExt};
use jobs::cargo::{tell_shipments, topology};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use market::cargo::Bounds;
use queue::Ledger;
use queue::transport::rabbit::connection;
use secrecy::SecretString;
use shared::backoff;
use shared::clock::Clock;
use shared::config::Config;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::collect::collect;
use super::record::{Recorded, record};

/// The most messages in hand, unacknowledged. CloudAMQP may cut connections that hold more than
/// 1,000.
const PREFETCH: u16 = 1000;
/// Batches that are written at the same time: while one waits for its commit, the other keeps the database busy.
const WRITING: usize = 2;
/// A batch is full with this many events; its last message may bring some more.
const FULL_EVENTS: usize = 1000;
/// Or with this many messages: two batches being written and one being collected share the prefetch.
const FULL_MESSAGES: usize = PREFETCH as usize / (WRITING + 1);
/// Or with this many bytes received, which bounds the memory.
const FULL_BYTES: usize = 2 * 1024 * 1024;
/// While a batch is being written, a second one begins with this many events …
const LARGE_EVENTS: usize = 250;
/// … or when its oldest event has waited this long.
const PATIENCE: Duration = Duration::from_millis(5);
/// How long connecting, declaring and subscribing may take.
const SUBSCRIBE: Duration = Duration::from_secs(15);
/// How long an orderly end may take.
const FAREWELL: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Waits between connections.
const WAITS: ExponentialBuilder = backoff::endless(Duration::from_millis(200), LONGEST_WAIT);

/// Settings of the consumer.
#[derive(Clone, Debug)]
pub struct Settings {
    pub amqp_url: SecretString,
    /// Prefixes the names of exchange and queue.
    pub namespace: String,
    pub clock: Clock,
    /// Where shipments of ours are told of news; without it they follow by the schedule.
    pub ledger: Option<Ledger>,
}

impl Settings {
    /// `None` without RabbitMQ: the API then writes events into the log itself, and there is nothing to consume.
    #[must_use]
    pub fn new(config: &Config) -> Option<Self> {
        let amqp_url = config.amqp_url.clone()?;
        Some(Self { amqp_url, namespace: config.namespace.clone(), clock: Clock::SYSTEM, ledger: None })
    }

    /// The same, and shipments of ours are told of news at once.
    #[must_use]
    pub fn telling(self, ledger: &Ledger) -> Self {
        Self { ledger: Some(ledger.clone()), ..self }
    }
}

/// Consumes until `stop`, then writes and acknowledges what is in hand. Reconnects, and declares
/// the lane again, whenever the broker goes away. What RabbitMQ gives up meanwhile goes to the rejects. `pool`
/// connects to the log's database and needs three connections.
pub async fn run(settings: Settings, pool: PgPool, stop: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        biased;
        ended = consume(&settings, &pool, &stop) => ended,
        never = collect(&settings, &pool) => match never {},
    }
}

async fn consume(settings: &Settings, pool: &PgPool, stop: &CancellationToken) -> anyhow::Result<()> {
    let connected = metrics::gauge!("tradeyard_cargo_consumer_connected");
    let mut waits = WAITS.build();
    loop {
        let began = Instant::now();
        let ended = tokio::select! {
            subscribed = tokio::time::timeout(SUBSCRIBE, subscribe(settings)) => {
                match subscribed.context("no answer within 15 s").and_then(|subscribed| subscribed) {
                    Ok(session) => {
                        connected.set(1.0);
                        session.consume(settings, pool, stop).await
                    }
                    Err(error) => Err(error),
                }
            }
            () = stop.cancelled() => return Ok(()),
        };
        connected.set(0.0);
        let Err(error) = ended else { return Ok(()) };
        metrics::counter!("tradeyard_cargo_consumer_reconnects_total").increment(1);
        tracing::warn!(error = format!("{error:#}"), "the cargo event consumer lost RabbitMQ; connecting again");
        if began.elapsed() > LONGEST_WAIT {
            waits = WAITS.build();
        }
        tokio::select! {
            () = tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// The consumers' tags.
const TAG: &str = "cargo";
const FORMER_TAG: &str = "cargo-former";

/// One subscription, from connecting to its end.
struct Session {
    connection: Connection,
    channel: Channel,
    /// From the lane's queue, and from the one under its former name; ends when the lane's queue
    /// does.
    deliveries: BoxStream<'static, lapin::Result<Delivery>>,
}

async fn subscribe(settings: &Settings) -> anyhow::Result<Session> {
    let connection = connection::connect(&settings.amqp_url, &format!("{} cargo consumer", settings.namespace)).await?;
    let channel = connection.create_channel().await?;
    topology::declare(&channel, &settings.namespace).await.context("declare the events lane")?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let queue = ShortString::from(topology::queue(&settings.namespace));
    let deliveries = connection::subscribe(&channel, queue, TAG.into()).await?;
    let former = ShortString::from(topology::former_queue(&settings.namespace));
    let deliveries = if exists(&connection, former.clone()).await? {
        // On the same channel: one acknowledgement covers the deliveries of both.
        let former = connection::subscribe(&channel, former, FORMER_TAG.into()).await?;
        until_first_ends(deliveries, former).boxed()
    } else {
        deliveries.boxed()
    };
    Ok(Session { connection, channel, deliveries })
}

async fn exists(connection: &Connection, queue: ShortString) -> lapin::Result<bool> {
    // On a channel of its own, because a negative answer closes it.
    let asking = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match asking.queue_declare(queue, passive, FieldTable::default()).await {
        Ok(_) => {
            asking.close(200, "asked".into()).await?;
            Ok(true)
        }
        Err(error) if connection.status().connected() => {
            tracing::debug!(%error, "no queue under the former name");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Both streams, until the first one ends.
fn until_first_ends<T>(first: impl Stream<Item = T>, second: impl Stream<Item = T>) -> impl Stream<Item = T> {
    let first = first.map(Some).chain(stream::once(ready(None)));
    stream::select(first, second.map(Some)).take_while(|item| ready(item.is_some())).filter_map(ready)
}

impl Session {
    /// Returns `Ok` when asked to stop, an error when the broker ended it. Either way, what was in
    /// hand has been written, unless the database could not be reached: then it was not
    /// acknowledged either. After a request to stop, everything that had been delivered is written
    /// and acknowledged, not only what had been read: none of it is delivered again.
    async fn consume(mut self, settings: &Settings, pool: &PgPool, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut batch = Batch::default();
        // When the oldest event in the batch has waited long enough.
        let mut due = Instant::now();
        let mut writing = FuturesOrdered::new();
        // Why nothing more is read; `Ok` when we were asked to stop.
        let mut ended: Option<anyhow::Result<()>> = None;
        // Asked to stop: what has been delivered so far is still read, to the end of the stream.
        let mut stopping = false;
        loop {
            let must_write = ended.is_some() || is_large(&batch) || due <= Instant::now();
            if !batch.is_empty() && (writing.is_empty() || (writing.len() < WRITING && must_write)) {
                let batch = std::mem::take(&mut batch);
                writing.push_back(async move {
                    let recorded = record(pool, &batch, stop).await?;
                    tell(settings, recorded);
                    Some(batch.last_tag)
                });
                continue;
            }
            if writing.is_empty() && batch.is_empty() && ended.is_some() {
                break;
            }
            tokio::select! {
                biased;
                Some(written) = writing.next() => {
                    let Some(tag) = written else {
                        tracing::warn!("stopping while the event store cannot be written; what is in hand goes back");
                        ended = Some(Ok(()));
                        break;
                    };
                    let acked = self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await;
                    if let Err(error) = acked {
                        ended.get_or_insert_with(|| Err(error.into()));
                    }
                }
                () = stop.cancelled(), if ended.is_none() && !stopping => {
                    stopping = true;
                    if !matches!(tokio::time::timeout(FAREWELL, cancel(&self.channel)).await, Ok(Ok(()))) {
                        tracing::debug!("the consumer could not be cancelled; closing its connection does the same");
                        ended = Some(Ok(()));
                    }
                }
                delivery = self.deliveries.next(), if ended.is_none() && !is_full(&batch) => {
                    if batch.is_empty() {
                        due = Instant::now() + PATIENCE;
                    }
                    // Takes along what has arrived in the meantime.
                    let mut next = Some(delivery);
                    while let Some(delivery) = next {
                        if let Err(error) = take(&mut batch, delivery, settings) {
                            ended = Some(if stopping { Ok(()) } else { Err(error) });
                            break;
                        }
                        next = if is_full(&batch) { None } else { self.deliveries.next().now_or_never() };
                    }
                }
                () = tokio::time::sleep_until(due), if !batch.is_empty() && writing.len() < WRITING => {}
            }
        }
        // Whatever was delivered and not acknowledged goes back to the queue when the channel is
        // closed. That comes first, as RabbitMQ answers only after it has worked through the
        // acknowledgements sent before.
        let farewell = async {
            self.channel.close(200, "stopped".into()).await?;
            self.connection.close(200, "stopped".into()).await
        };
        match tokio::time::timeout(FAREWELL, farewell).await {
            Ok(Ok(())) => {}
            // A broken connection needs no orderly end.
            Ok(Err(error)) => tracing::debug!(%error, "the consumer's connection was closed already"),
            Err(_) => tracing::warn!("RabbitMQ did not confirm the end of the consumer's connection within 10 s"),
        }
        ended.unwrap_or(Ok(()))
    }
}

/// Asks for no more deliveries; those already sent still arrive, and then the streams end.
async fn cancel(channel: &Channel) -> lapin::Result<()> {
    // There may be no consumer of the former queue, which RabbitMQ does not mind.
    for tag in [FORMER_TAG, TAG] {
        channel.basic_cancel(tag.into(), BasicCancelOptions::default()).await?;
    }
    Ok(())
}

fn take(batch: &mut Batch, delivery: Option<lapin::Result<Delivery>>, settings: &Settings) -> anyhow::Result<()> {
    let delivery = delivery.context("the broker ended the consumer: its queue was deleted or its node went down")??;
    let (key, bounds) = (delivery.routing_key.as_str(), Bounds::at(settings.clock.now()));
    // Whoever put it into quarantine went by the narrow bounds.
    let bounds = if key == topology::QUARANTINE { bounds } else { bounds.widened() };
    batch.add(delivery.delivery_tag, key, &delivery.data, &bounds);
    Ok(())
}

/// Has shipments of ours follow, without the lane waiting for that: it goes on while the ledger is away.
fn tell(settings: &Settings, recorded: Recorded) {
    let Some(ledger) = settings.ledger.clone() else { return };
    for change in recorded.changes {
        let ledger = ledger.clone();
        tokio::spawn(async move { tell_shipments(&ledger, change).await });
    }
}

fn is_full(batch: &Batch) -> bool {
    batch.events.len() >= FULL_EVENTS || batch.messages >= FULL_MESSAGES || batch.bytes >= FULL_BYTES
}

fn is_large(batch: &Batch) -> bool {
    batch.events.len() >= LARGE_EVENTS || is_full(batch)
}
