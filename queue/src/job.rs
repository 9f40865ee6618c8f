//! The contract of a job: everything that matters about it, on one screen.

use std::fmt::{self, Display};
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::ids::OrgId;
use shared::strict::Strict;

use super::cx::Cx;
use super::outcome::{Decision, Outcome};
use super::retry::Retry;
use super::schedule::Schedule;
use super::transport::Transport;
use super::unique::Unique;

/// A job's permanent name, `domain.verb`. Rows in the ledger carry it for years: a rename keeps the old one as an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    /// Former names, oldest first; still accepted from the ledger.
    pub aliases: &'static [&'static str],
}

impl Kind {
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, aliases: &[] }
    }

    /// Keeps the names that this kind had before, oldest first: the oldest one stays in its unique keys.
    #[must_use]
    pub const fn formerly(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The oldest name.
    pub(crate) const fn first_name(self) -> &'static str {
        match self.aliases {
            [first, ..] => first,
            [] => self.name,
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A queue: a name, the pool that works on it, and what usually carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: &'static str,
    pub pool: &'static str,
    pub transport: Transport,
}

impl Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Within a queue, a due job of a higher priority always goes first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[repr(i16)]
pub enum Priority {
    Urgent = 0,
    High = 1,
    #[default]
    Normal = 2,
    Low = 3,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// The name used in the API and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Priority {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.name() == text)
            .ok_or_else(|| format!("unknown priority {text:?}; expected urgent, high, normal or low"))
    }
}

/// A payload that this version of the program cannot read. The job is kept, visible and retryable.
#[derive(Debug, thiserror::Error)]
#[error("payload version {version} cannot be read: {problem}")]
pub struct Undecodable {
    pub version: i16,
    pub problem: String,
}

/// What a job is. Contracts live in this crate, so that API, scheduler and workers share them.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    const KIND: Kind;
    const QUEUE: Queue;
    const RETRY: Retry = Retry::DEFAULT;
    /// How long one attempt may take before it is stopped and counted as failed.
    const TIMEOUT: Duration = Duration::from_mins(1);
    const PRIORITY: Priority = Priority::Normal;
    /// Rises when the payload changes so that old rows need [`Job::upcast`].
    const VERSION: i16 = 1;
    /// When the scheduler enqueues this job by itself.
    const SCHEDULES: &'static [Schedule] = &[];

    /// What makes two of these jobs the same.
    fn unique(&self) -> Unique {
        Unique::NO
    }

    /// Whose share of the queue this job takes.
    fn tenant(&self) -> Option<OrgId> {
        None
    }

    /// Turns a payload of version `from` into one of version `from + 1`.
    fn upcast(from: i16, payload: Value) -> Result<Value, Undecodable> {
        let _ = payload;
        Err(Undecodable { version: from, problem: format!("{} has no upcaster from version {from}", Self::KIND) })
    }

    /// Decides what an error of the handler means. An unclassified error is a retry.
    fn on_error(error: &anyhow::Error) -> Decision {
        let _ = error;
        Decision::Retry
    }
}

/// Reads a payload of any version that the job still understands, as strictly as the API reads a body: a struct is an object.
pub fn decode<J: Job>(version: i16, mut payload: Value) -> Result<J, Undecodable> {
    if version > J::VERSION {
        return Err(Undecodable {
            version,
            problem: format!("this program knows {} up to version {}", J::KIND, J::VERSION),
        });
    }
    for from in version..J::VERSION {
        payload = J::upcast(from, payload)?;
    }
    J::deserialize(Strict(payload)).map_err(|error| Undecodable { version, problem: error.to_string() })
}

/// What a job does. `S` is what the pool's handlers share: connections, mailer, blob store.
///
/// A handler reloads its state and does nothing when there is nothing left to do: it may run more than once.
pub trait Handler<S>: Job {
    fn run(self, cx: &Cx<S>) -> impl Future<Output = anyhow::Result<Outcome>> + Send;
}
