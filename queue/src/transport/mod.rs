//! What carries tickets from the ledger to the workers. Three brokers behind one trait, and one suite that all three pass.
//!
//! A broker may lose, duplicate or reorder messages: the claim in the ledger makes that harmless, and the reconciler repeats
//! what is lost. What a broker must not do is say that it took a message when it did not, or block a caller for ever.

#[cfg(test)]
mod conformance;
mod consume;
pub mod local;
pub mod rabbit;
pub mod redis;

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use shared::config::Config;
use shared::ids::JobId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower::util::BoxCloneSyncService;

use serde::Serialize;

use crate::ticket::Ticket;

pub use self::local::Local;
pub use self::rabbit::Rabbit;
pub use self::redis::Redis;

/// What carries a queue's messages. A setting of the queue that can change while jobs flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Redis,
    Rabbit,
    /// PostgreSQL alone.
    Local,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::Redis, Self::Rabbit, Self::Local];

    /// The name used in the database, the CLI and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Rabbit => "rabbit",
            Self::Local => "local",
        }
    }
}

impl Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Transport {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.name() == text)
            .ok_or_else(|| format!("unknown transport {text:?}; expected redis, rabbit or local"))
    }
}

/// The most tickets that one message carries.
pub const MAX_TICKETS: usize = 100;

/// How long a publisher waits for a broker before it gets an error.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// One broker message: the tickets of one or more jobs of one queue.
///
/// Short jobs travel many to a message, long ones alone: the dispatcher chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub Vec<Ticket>);

/// Bytes that are not a message of ours. They are acknowledged, counted and forgotten: the ledger still has every job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ticket message")]
pub struct Garbled;

impl Message {
    /// `id:epoch` pairs joined by commas: short, and readable in a broker's own tools.
    #[must_use]
    pub fn encode(&self) -> String {
        use std::fmt::Write;
        let mut text = String::with_capacity(self.0.len() * 12);
        for (place, ticket) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{}:{}", ticket.job.0, ticket.epoch);
        }
        text
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        let text = std::str::from_utf8(bytes).map_err(|_| Garbled)?;
        let tickets: Result<Vec<Ticket>, Garbled> = text.split(',').map(ticket).collect();
        let tickets = tickets?;
        if tickets.len() > MAX_TICKETS { Err(Garbled) } else { Ok(Self(tickets)) }
    }
}

fn ticket(text: &str) -> Result<Ticket, Garbled> {
    let (job, epoch) = text.split_once(':').ok_or(Garbled)?;
    Ok(Ticket { job: JobId(job.parse().map_err(|_| Garbled)?), epoch: epoch.parse().map_err(|_| Garbled)? })
}

/// What is wrong with a transport. The names are stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum TransportProblem {
    /// It does not answer, or not as it should.
    Down,
    /// It answers and takes no messages: RabbitMQ that is short of memory or disk.
    Blocked,
}

/// A broker could not do what was asked; the ledger keeps the jobs and the caller tries again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{transport}: {problem}")]
pub struct BrokerError {
    pub transport: Transport,
    pub kind: TransportProblem,
    pub problem: String,
}

impl BrokerError {
    pub(crate) fn new(transport: Transport, problem: impl Display) -> Self {
        Self { transport, kind: TransportProblem::Down, problem: problem.to_string() }
    }

    /// It is alive and takes no messages.
    pub(crate) fn blocked(transport: Transport) -> Self {
        let problem = "short of memory or disk; it takes no messages until that is over".to_owned();
        Self { transport, kind: TransportProblem::Blocked, problem }
    }

    /// No answer in time. What was sent may still arrive.
    pub(crate) fn late(transport: Transport, patience: Duration) -> Self {
        Self::new(transport, format_args!("no answer within {} s", patience.as_secs()))
    }
}

/// What a worker does with a delivery. It is infallible: outcome and retry live in the ledger. When it resolves, every job of
/// the message has been claimed or found stale, and the delivery may be acknowledged.
pub type Deliver = BoxCloneSyncService<Message, (), std::convert::Infallible>;

/// One consumer of one queue.
#[derive(Clone, Debug)]
pub struct Consumer {
    pub queue: String,
    /// Unique per run: apalis refuses a name that is still registered.
    pub name: String,
    /// The most deliveries that may be in hand, unacknowledged, at once.
    pub prefetch: usize,
}

/// A broker.
pub trait Broker: Send + Sync + std::fmt::Debug {
    fn transport(&self) -> Transport;

    /// Publishes messages; `Ok` means that the broker has them all, durably if it can be durable.
    fn publish<'a>(&'a self, queue: &'a str, messages: &'a [Message]) -> BoxFuture<'a, Result<(), BrokerError>>;

    /// How many messages the broker holds for a queue, waiting or delivered and not yet acknowledged. RabbitMQ and `local`
    /// do not report what other processes have in hand, so that theirs is a lower bound.
    fn depth<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<u64, BrokerError>>;

    /// Throws away the waiting messages of a queue.
    fn purge<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<(), BrokerError>>;

    /// Whether the broker answers. One that is alive and takes no messages does.
    fn ping(&self) -> BoxFuture<'_, Result<(), BrokerError>>;

    /// Whether the broker would take a message now.
    fn takes_messages(&self) -> BoxFuture<'_, Result<(), BrokerError>> {
        self.ping()
    }

    /// Runs an apalis worker over this broker until `stop`, then lets the deliveries in hand end. Returns early with an error
    /// when the connection broke: the supervisor starts it again under a new name.
    fn consume(
        self: Arc<Self>,
        consumer: Consumer,
        deliver: Deliver,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), BrokerError>>;
}

/// The brokers of this installation.
#[derive(Clone, Debug)]
pub struct Brokers {
    redis: Option<Arc<dyn Broker>>,
    rabbit: Option<Arc<dyn Broker>>,
    local: Arc<dyn Broker>,
}

impl Brokers {
    /// The brokers that are configured. None is contacted before it is used: one that is down does not stop a process.
    #[must_use]
    pub fn connect(config: &Config, pool: PgPool) -> Self {
        let namespace = config.namespace.as_str();
        Self {
            redis: config.redis_url.clone().map(|url| Arc::new(Redis::new(url, namespace)) as Arc<dyn Broker>),
            rabbit: config.amqp_url.clone().map(|url| Arc::new(Rabbit::new(url, namespace)) as Arc<dyn Broker>),
            local: Arc::new(Local::new(pool)),
        }
    }

    /// PostgreSQL alone: no broker at all.
    #[must_use]
    pub fn local(pool: PgPool) -> Self {
        Self { redis: None, rabbit: None, local: Arc::new(Local::new(pool)) }
    }

    /// The broker behind a transport, if there is one; `local` is always there.
    #[must_use]
    pub fn get(&self, transport: Transport) -> Option<Arc<dyn Broker>> {
        match transport {
            Transport::Redis => self.redis.clone(),
            Transport::Rabbit => self.rabbit.clone(),
            Transport::Local => Some(Arc::clone(&self.local)),
        }
    }

    /// What this installation has.
    #[must_use]
    pub fn transports(&self) -> Vec<Transport> {
        self.all().map(|broker| broker.transport()).collect()
    }

    /// Every broker that is configured.
    pub fn all(&self) -> impl Iterator<Item = Arc<dyn Broker>> {
        Transport::ALL.into_iter().filter_map(|transport| self.get(transport))
    }
}

#[cfg(test)]
mod tests;
