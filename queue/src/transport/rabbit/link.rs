//! Connections to RabbitMQ. One for publishing and one for consuming, each made when it is first used: a broker short of
//! memory or disk stops reading from connections that publish, and acknowledgements must not stand in that queue.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, Connection, ErrorKind};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::super::BrokerError;
use super::connection::{CONNECT, connect};
use crate::transport::Transport;

/// AMQP's `NOT-FOUND`.
const NOT_FOUND: u16 = 404;

/// Whether RabbitMQ says that there is no such queue.
fn is_missing(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said) if said.get_id() == NOT_FOUND)
}

pub(super) fn lost(error: impl fmt::Display) -> BrokerError {
    BrokerError::new(Transport::Rabbit, error)
}

/// One connection that is made again after it broke.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    url: SecretString,
    name: String,
    live: Mutex<Option<Arc<Live>>>,
    /// Two declarations of a new quorum queue at once end in an `INTERNAL_ERROR` that closes the connection.
    declaring: Arc<Mutex<()>>,
}

/// A connection, a channel with publisher confirms, and what was declared over it.
pub(super) struct Live {
    pub(super) connection: Connection,
    pub(super) publishing: Channel,
    /// For declarations and questions, so that their errors do not close the publishing channel.
    control: Channel,
    declared: StdMutex<HashSet<String>>,
    declaring: Arc<Mutex<()>>,
    /// Delivery tags are counted and frames are queued in two steps: only one caller at a time may do both.
    pub(super) turn: Mutex<()>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Link {
    /// `name` is shown in RabbitMQ's own tools; links that share `declaring` declare one queue at a time.
    pub(super) fn new(url: SecretString, name: String, declaring: Arc<Mutex<()>>) -> Self {
        Self(Arc::new(Inner { url, name, live: Mutex::default(), declaring }))
    }

    /// The connection, made now when there is none.
    pub(super) async fn live(&self) -> Result<Arc<Live>, BrokerError> {
        let inner = Arc::clone(&self.0);
        // Own task: a slow connection is made even when the caller that asked for it has given up.
        let made = tokio::spawn(async move {
            let mut slot = inner.live.lock().await;
            if let Some(live) = slot.as_ref().filter(|live| live.is_well()) {
                return Ok(Arc::clone(live));
            }
            *slot = None;
            let live = tokio::time::timeout(CONNECT, inner.connect())
                .await
                .map_err(|_| lost("no connection within 10 s"))??;
            Ok(Arc::clone(slot.insert(Arc::new(live))))
        });
        made.await.unwrap_or_else(|_| Err(lost("connecting was interrupted")))
    }

    /// Gives a connection up that does not answer: it may be half open. One that the broker blocks is kept, because a new
    /// one would be blocked as well; returns whether that is so.
    pub(super) fn suspect(&self) -> bool {
        // Whoever holds the lock is about to make a new one.
        let Ok(mut slot) = self.0.live.try_lock() else { return false };
        slot.take_if(|live| !live.is_blocked());
        slot.is_some()
    }

    /// Gives the connection up: the next caller makes a new one.
    pub(super) async fn forget(&self, live: &Arc<Live>) {
        let mut slot = self.0.live.lock().await;
        if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
            *slot = None;
        }
    }
}

impl Inner {
    async fn connect(&self) -> Result<Live, BrokerError> {
        let connection = connect(&self.url, &self.name).await.map_err(lost)?;
        let publishing = connection.create_channel().await.map_err(lost)?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await.map_err(lost)?;
        let control = connection.create_channel().await.map_err(lost)?;
        Ok(Live {
            connection,
            publishing,
            control,
            declared: StdMutex::default(),
            declaring: Arc::clone(&self.declaring),
            turn: Mutex::default(),
        })
    }
}

impl Live {
    fn is_well(&self) -> bool {
        self.connection.status().connected()
            && self.publishing.status().connected()
            && self.control.status().connected()
    }

    /// Whether the broker takes nothing from this connection, for want of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Declares the queue unless that was done over this connection.
    pub(super) async fn ensure(&self, queue: &str) -> Result<(), BrokerError> {
        if self.declared().contains(queue) {
            return Ok(());
        }
        let _turn = self.declaring.lock().await;
        // Somebody else may have declared it while this one waited.
        if !self.declared().contains(queue) {
            self.declare_now(queue).await?;
            self.declared().insert(queue.to_owned());
        }
        Ok(())
    }

    /// The queue may have been deleted.
    pub(super) fn doubt(&self, queue: &str) {
        self.declared().remove(queue);
    }

    /// Declares the queue. A quorum queue: it survives a restart, and at our message size it is also the faster kind.
    pub(super) async fn declare(&self, queue: &str) -> Result<(), BrokerError> {
        let _turn = self.declaring.lock().await;
        self.declare_now(queue).await
    }

    async fn declare_now(&self, queue: &str) -> Result<(), BrokerError> {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
        let name: ShortString = queue.into();
        self.control.queue_declare(name, QueueDeclareOptions::durable(), arguments).await.map_err(lost)?;
        Ok(())
    }

    /// How many messages wait in the queue, which is only looked at: one that was deleted must not come back before its consumers are
    /// ended ([`super::connection::DECLARE_AGAIN`]). None wait where there is no queue.
    pub(super) async fn waiting(&self, queue: &str) -> Result<u64, BrokerError> {
        // A channel of its own, because that answer closes it.
        let asking = self.connection.create_channel().await.map_err(lost)?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match asking.queue_declare(queue.into(), passive, FieldTable::default()).await {
            Ok(there) => {
                // The question is answered, whatever becomes of the channel.
                let _ = asking.close(200, "asked".into()).await;
                Ok(u64::from(there.message_count()))
            }
            Err(error) if is_missing(&error) => Ok(0),
            Err(error) => Err(lost(error)),
        }
    }

    pub(super) fn control(&self) -> &Channel {
        &self.control
    }

    fn declared(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
