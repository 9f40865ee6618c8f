//! RabbitMQ through lapin: durable quorum queues, persistent and mandatory messages, confirms awaited for a whole batch.
//!
//! # When a message is acknowledged
//! After the jobs that it names were claimed in the ledger, not when it arrives and not when they end. Before the claim, a
//! worker's death would leave jobs that only the reconciler finds, seconds later. After the end, a long job would run into
//! the server's limit for unacknowledged deliveries (30 minutes) and into its limit for redeliveries. From the claim on
//! the lease in the ledger stands for the job: when it expires, the reaper hands the job out again.
//!
//! # How to get this wrong
//! - Publishing without `mandatory`: a message for a deleted queue is confirmed and gone.
//! - Acknowledging `multiple` past a delivery that is still in hand.
//! - Waiting for each confirm by itself: 2,500 messages a second instead of 40,000.
//! - Declaring a deleted queue again at once: its consumers stay, and messages are never delivered
//!   ([`connection::DECLARE_AGAIN`]).
//! - Taking `depth` for exact: AMQP reports what waits, not what other processes have in hand.

mod acks;
pub mod connection;
mod link;

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, try_join_all};
use lapin::options::{BasicCancelOptions, BasicPublishOptions, BasicQosOptions, QueuePurgeOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Confirmation};
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::link::{Link, Live, lost};
use super::consume::{self, Ack, Delivery, Held, InHand};
use super::{Broker, BrokerError, Consumer, Deliver, Message, PATIENCE, TransportProblem};
use crate::transport::Transport;

/// Messages whose confirms are awaited together.
const WINDOW: usize = 1000;
/// `CloudAMQP` cuts connections that hold more unacknowledged messages than this.
const MOST_UNACKED: usize = 1000;
const PERSISTENT: u8 = 2;
/// How long a consumer may take to connect, declare its queue and subscribe.
const SUBSCRIBE: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 3;

/// RabbitMQ as a broker.
pub struct Rabbit {
    namespace: String,
    patience: Duration,
    publisher: Link,
    consumers: Link,
    in_hand: Mutex<HashMap<String, InHand>>,
}

impl fmt::Debug for Rabbit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rabbit").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

enum Refusal {
    /// No queue takes the message: it was deleted since it was declared.
    Unroutable,
    Error(BrokerError),
}

impl From<BrokerError> for Refusal {
    fn from(error: BrokerError) -> Self {
        Self::Error(error)
    }
}

impl From<lapin::Error> for Refusal {
    fn from(error: lapin::Error) -> Self {
        Self::Error(lost(error))
    }
}

impl Rabbit {
    /// Connects when it is first used. The virtual host is the path of the URL; `namespace` prefixes every queue.
    #[must_use]
    pub fn new(url: SecretString, namespace: &str) -> Self {
        let declaring = Arc::default();
        Self {
            namespace: namespace.to_owned(),
            patience: PATIENCE,
            publisher: Link::new(url.clone(), format!("{namespace} publisher"), Arc::clone(&declaring)),
            consumers: Link::new(url, format!("{namespace} consumers"), declaring),
            in_hand: Mutex::default(),
        }
    }

    /// Another span than [`PATIENCE`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
        if let Ok(result) = tokio::time::timeout(self.patience, work).await {
            return result;
        }
        if self.publisher.suspect() {
            // It was blocked by what was published just now: RabbitMQ notifies nobody else.
            return Err(BrokerError::blocked(Transport::Rabbit));
        }
        Err(BrokerError::late(Transport::Rabbit, self.patience))
    }

    fn name(&self, queue: &str) -> String {
        format!("{}.jobs.{queue}", self.namespace)
    }

    fn in_hand(&self, queue: &str) -> InHand {
        let mut queues = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(queue.to_owned()).or_default().clone()
    }

    /// Publishes, on a second connection when the first was cut, and after declaring a deleted queue again. Messages of the
    /// first attempt may then exist twice, which does no harm.
    async fn publish_twice(&self, queue: &str, bodies: &[String]) -> Result<(), BrokerError> {
        let mut repeated = false;
        loop {
            let live = self.unblocked().await?;
            match publish_all(&live, queue, bodies).await {
                Ok(()) => return Ok(()),
                Err(Refusal::Unroutable) if !repeated => {
                    live.doubt(queue);
                    tokio::time::sleep(connection::DECLARE_AGAIN).await;
                }
                Err(Refusal::Unroutable) => return Err(lost("the queue does not take messages")),
                Err(Refusal::Error(error)) => {
                    self.publisher.forget(&live).await;
                    if repeated {
                        return Err(error);
                    }
                }
            }
            repeated = true;
        }
    }

    /// The publishing connection, unless RabbitMQ has blocked it: it reads nothing of it then, and whatever is sent stays in this
    /// process' memory.
    async fn unblocked(&self) -> Result<Arc<Live>, BrokerError> {
        let live = self.publisher.live().await?;
        if live.is_blocked() { Err(BrokerError::blocked(Transport::Rabbit)) } else { Ok(live) }
    }

    /// Runs `question` on the publishing connection, and once more on a new one when that was cut.
    async fn ask<T, F>(&self, question: impl Fn(Arc<Live>) -> F) -> Result<T, BrokerError>
    where
        F: Future<Output = Result<T, BrokerError>>,
    {
        self.within(async {
            let live = self.unblocked().await?;
            if let Ok(answer) = question(Arc::clone(&live)).await {
                return Ok(answer);
            }
            self.publisher.forget(&live).await;
            question(self.unblocked().await?).await
        })
        .await
    }

    async fn subscribe(
        &self,
        queue: &str,
        name: &str,
        prefetch: usize,
    ) -> Result<(lapin::Channel, lapin::Consumer), BrokerError> {
        let live = self.consumers.live().await?;
        live.declare(queue).await?;
        let channel = live.connection.create_channel().await.map_err(lost)?;
        let most = u16::try_from(prefetch).unwrap_or(u16::MAX);
        channel.basic_qos(most, BasicQosOptions::default()).await.map_err(lost)?;
        let deliveries = connection::subscribe(&channel, queue.into(), name.into()).await.map_err(lost)?;
        Ok((channel, deliveries))
    }

    async fn work(&self, consumer: &Consumer, deliver: Deliver, stop: &CancellationToken) -> Result<(), BrokerError> {
        let queue = self.name(&consumer.queue);
        let prefetch = consumer.prefetch.clamp(1, MOST_UNACKED);
        let subscribe = async {
            let mut attempts = 1..=ATTEMPTS;
            loop {
                match self.subscribe(&queue, &consumer.name, prefetch).await {
                    // Another process may be declaring the same new queue, which costs both their connections.
                    Err(_) if attempts.next() < Some(ATTEMPTS) => {
                        tokio::time::sleep(Duration::from_millis(rand::random_range(20..200))).await;
                    }
                    result => return result,
                }
            }
        };
        let (channel, deliveries) =
            tokio::time::timeout(SUBSCRIBE, subscribe).await.map_err(|_| lost("no answer within 15 s"))??;

        // Unbounded, but never holds more than the prefetch.
        let (tags, taken_over) = mpsc::unbounded_channel();
        let in_hand = self.in_hand(&consumer.queue);
        let deliveries = deliveries.map(move |delivery| {
            let delivery = delivery.map_err(lost)?;
            let ack = Tag { number: delivery.delivery_tag, tags: tags.clone(), _held: in_hand.take() };
            Ok(Delivery { body: delivery.data, ack })
        });
        let bounded = Consumer { prefetch, ..consumer.clone() };
        let mut settling = pin!(acks::settle(&channel, taken_over, prefetch));
        let working = async {
            // Ends the stream after what has arrived; without a stop it ends when the queue was deleted.
            let cancel = async {
                stop.cancelled().await;
                let tag: ShortString = consumer.name.as_str().into();
                if let Err(error) = channel.basic_cancel(tag, BasicCancelOptions::default()).await {
                    tracing::debug!(job.queue = consumer.queue, "cancelling the consumer: {error}");
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                worked = consume::work(Transport::Rabbit, &bounded, deliveries.boxed(), deliver) => worked,
                () = cancel => Ok(()),
            }
        };
        tokio::select! {
            worked = working => worked?,
            settled = &mut settling => {
                settled.map_err(lost)?;
                return Err(lost("acknowledging ended early"));
            }
        }
        if !stop.is_cancelled() {
            return Err(lost("the broker ended the consumer: its queue was deleted or its node went down"));
        }
        let settled = tokio::time::timeout(self.patience, settling).await;
        settled.map_err(|_| BrokerError::late(Transport::Rabbit, self.patience))?.map_err(lost)?;
        // What is not acknowledged goes back to the queue; a failure here does the same.
        let _ = tokio::time::timeout(PATIENCE, channel.close(200, "stopped".into())).await;
        Ok(())
    }
}

/// Publishes a window at a time and waits for all confirms of a window together.
async fn publish_all(live: &Live, queue: &str, bodies: &[String]) -> Result<(), Refusal> {
    live.ensure(queue).await?;
    let routing_key: ShortString = queue.into();
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    for window in bodies.chunks(WINDOW) {
        let turn = live.turn.lock().await;
        // Together, so that the frames of a window share their way to the socket.
        let sent = try_join_all(window.iter().map(|body| {
            let key = routing_key.clone();
            live.publishing.basic_publish("".into(), key, options, body.as_bytes(), properties.clone())
        }))
        .await?;
        drop(turn);
        for confirmation in try_join_all(sent).await? {
            match confirmation {
                Confirmation::Ack(None) => {}
                Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => return Err(Refusal::Unroutable),
                Confirmation::Nack(None) | Confirmation::NotRequested => {
                    return Err(lost("the broker did not confirm a message").into());
                }
            }
        }
    }
    Ok(())
}

/// The tag of a delivery, sent to be acknowledged when it was taken over.
#[derive(Debug)]
struct Tag {
    number: u64,
    tags: mpsc::UnboundedSender<u64>,
    _held: Held,
}

impl Ack for Tag {
    fn delivered(self) {
        // A consumer that is gone has given its deliveries back already.
        let _ = self.tags.send(self.number);
    }
}

impl Broker for Rabbit {
    fn transport(&self) -> Transport {
        Transport::Rabbit
    }

    fn publish<'a>(&'a self, queue: &'a str, messages: &'a [Message]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let bodies: Vec<String> = messages.iter().map(Message::encode).collect();
            self.within(self.publish_twice(&self.name(queue), &bodies)).await
        })
    }

    /// What waits, and what this process has in hand: AMQP does not report what others have. A lower bound.
    fn depth<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(async move {
            let name = &self.name(queue);
            let waiting = self.ask(|live| async move { live.waiting(name).await }).await?;
            Ok(waiting + self.in_hand(queue).count())
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let name = &self.name(queue);
            self.ask(|live| async move {
                live.declare(name).await?;
                let key: ShortString = name.as_str().into();
                live.control().queue_purge(key, QueuePurgeOptions::default()).await.map_err(lost)?;
                Ok(())
            })
            .await
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            // Changes nothing, and only the server can answer it.
            let answered = self
                .ask(|live| async move { live.control().basic_qos(0, BasicQosOptions::default()).await.map_err(lost) });
            match answered.await {
                // It said so itself.
                Err(error) if error.kind == TransportProblem::Blocked => Ok(()),
                answered => answered,
            }
        })
    }

    /// Publishes a message that no queue takes: RabbitMQ notifies only publishers that it is short of memory or disk.
    fn takes_messages(&self) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            let nobody = &ShortString::from(self.name("nobody"));
            self.ask(|live| async move {
                let turn = live.turn.lock().await;
                let options = BasicPublishOptions::default();
                let sent =
                    live.publishing.basic_publish("".into(), nobody.clone(), options, b"", BasicProperties::default());
                let sent = sent.await.map_err(lost)?;
                drop(turn);
                sent.await.map_err(lost)?;
                Ok(())
            })
            .await
        })
    }

    fn consume(
        self: Arc<Self>,
        consumer: Consumer,
        deliver: Deliver,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), BrokerError>> {
        Box::pin(async move { self.work(&consumer, deliver, &stop).await })
    }
}
