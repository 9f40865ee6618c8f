//! A job on its way into the ledger.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use shared::trace::TraceParent;
use sqlx::PgConnection;

use super::job::{Job, Priority, Queue};
use super::ledger::insert;
use super::unique::Unique;

/// When a new job is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Now,
    At(DateTime<Utc>),
    /// After this long, by the database's clock.
    After(Duration),
}

/// The attempt from which a job follows, where several share a transaction: the job's parent, and the trace that it goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub job: JobId,
    pub trace: TraceParent,
}

/// A job with everything that its caller chose about it.
///
/// `Enqueue::new(&job).run_at(auction.ends_at).insert(&mut tx)`
#[derive(Clone, Debug)]
#[must_use]
pub struct Enqueue {
    pub(crate) kind: &'static str,
    /// The kind's first name, which its unique keys carry: programs from before and after a rename mean the same key.
    pub(crate) first_name: &'static str,
    pub(crate) queue: Queue,
    pub(crate) version: i16,
    pub(crate) payload: Result<Value, String>,
    pub(crate) priority: Priority,
    pub(crate) tenant: Option<OrgId>,
    pub(crate) due: Due,
    pub(crate) parent: Option<JobId>,
    pub(crate) unique: Unique,
    pub(crate) trace: Option<TraceParent>,
}

impl Enqueue {
    /// The job as its contract says: now, with the contract's priority, tenant and uniqueness.
    pub fn new<J: Job>(job: &J) -> Self {
        Self {
            kind: J::KIND.name,
            first_name: J::KIND.first_name(),
            queue: J::QUEUE,
            version: J::VERSION,
            payload: serde_json::to_value(job).map_err(|error| error.to_string()),
            priority: J::PRIORITY,
            tenant: job.tenant(),
            due: Due::Now,
            parent: None,
            unique: job.unique(),
            trace: TraceParent::current(),
        }
    }

    /// Not before this time.
    pub fn run_at(self, at: DateTime<Utc>) -> Self {
        Self { due: Due::At(at), ..self }
    }

    /// Not before this long from now.
    pub fn after(self, delay: Duration) -> Self {
        Self { due: Due::After(delay), ..self }
    }

    pub fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    pub fn tenant(self, tenant: OrgId) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// Belongs to this trace, rather than to that of the task.
    pub fn traced(self, trace: Option<TraceParent>) -> Self {
        Self { trace, ..self }
    }

    pub fn parent(self, parent: JobId) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// Follows from this attempt, rather than from what the task and the transaction say.
    pub fn following(self, origin: Option<Origin>) -> Self {
        match origin {
            Some(origin) => self.parent(origin.job).traced(Some(origin.trace)),
            None => self,
        }
    }

    /// Overrides the contract's uniqueness.
    pub fn unique(self, unique: Unique) -> Self {
        Self { unique, ..self }
    }

    /// Moves the job to another queue than its contract's.
    pub fn queue(self, queue: Queue) -> Self {
        Self { queue, ..self }
    }

    /// Inserts the job through the caller's transaction. It exists if and only if that transaction commits.
    ///
    /// [`super::JobTx::enqueue`] does the same and publishes at once after the commit; here the dispatcher finds the row.
    pub async fn insert(self, conn: &mut PgConnection) -> Result<Enqueued, EnqueueError> {
        insert::one(conn, &self, false).await.map(|(enqueued, _)| enqueued)
    }
}

/// What became of an enqueued job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// A new row.
    New(JobId),
    /// The key is taken by this job, which was kept as it is.
    Existing(JobId),
    /// The key was taken by this job, which now has the new payload, priority and time.
    Replaced(JobId),
}

impl Enqueued {
    /// Takes the job that stands in the way for the one that was asked for.
    pub fn or_existing(result: Result<Self, EnqueueError>) -> Result<Self, EnqueueError> {
        match result {
            Err(EnqueueError::Conflict { existing, .. }) => Ok(Self::Existing(existing)),
            other => other,
        }
    }

    /// Whether a new row was made.
    #[must_use]
    pub const fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }

    /// The word for it in answers: `new`, `existing` or `replaced`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Existing(_) => "existing",
            Self::Replaced(_) => "replaced",
        }
    }

    /// The job that now stands for the request.
    #[must_use]
    pub const fn id(self) -> JobId {
        match self {
            Self::New(id) | Self::Existing(id) | Self::Replaced(id) => id,
        }
    }
}

/// Why a job was not enqueued.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    #[error("the payload of {kind} does not serialise: {problem}")]
    Payload { kind: &'static str, problem: String },
    #[error("the payload of {kind} has {bytes} bytes; the most is {MAX_PAYLOAD_BYTES}: carry ids, not rows")]
    TooLarge { kind: &'static str, bytes: usize },
    #[error("the unique key of {kind} {problem}")]
    Key { kind: &'static str, problem: String },
    #[error("{kind} with this key is already there as job {existing}")]
    Conflict { kind: &'static str, existing: JobId },
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// The longest unique key. It names a thing; what it names may be long.
pub const MAX_KEY_BYTES: usize = 512;

/// Payloads carry ids, not rows.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Inserts many jobs in one statement; returns for each, in order, what became of it. Keys count as in [`Enqueue::insert`]; the
/// first job that is refused fails the call, and the caller's transaction should then undo the others.
pub async fn enqueue_all(conn: &mut PgConnection, jobs: &[Enqueue]) -> Result<Vec<Enqueued>, EnqueueError> {
    insert::many(conn, jobs).await
}
