//! What an operator sees of the ledger and may do with it: the same functions serve the API and the command line.
//!
//! Nothing here is needed for jobs to run. Every function takes a connection, reads the database's clock, and returns plain
//! structs that serialise. An act takes an [`Actor`] and writes itself down: in the job's own log, and in the audit log, in the
//! transaction in which it is done.
//!
//! # How to get this wrong
//! - Locking many rows in another order than claims do: two statements would wait for each other. Acts on many rows take
//!   them in small batches and skip what somebody holds at that instant.
//! - Trusting a state read before the act: every act states the states that it accepts in its own `WHERE`.

pub mod cancel;
pub mod detail;
pub mod enqueue;
mod filter;
pub mod list;
pub mod queues;
pub mod retry;
pub mod view;
pub mod why;
pub mod workers;

use std::fmt::{self, Display};
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use shared::audit::Actor;
use shared::audit::{self, Entry};
use shared::ids::JobId;
use sqlx::PgConnection;

/// Where a job is in its life; the words are the database's.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "job_state", rename_all = "lowercase")]
pub enum JobState {
    Scheduled,
    Available,
    Queued,
    Running,
    Succeeded,
    Cancelled,
    Dead,
}

impl JobState {
    pub const ALL: [Self; 7] =
        [Self::Scheduled, Self::Available, Self::Queued, Self::Running, Self::Succeeded, Self::Cancelled, Self::Dead];
    /// The states of work that is still to be done.
    pub const OPEN: [Self; 4] = [Self::Scheduled, Self::Available, Self::Queued, Self::Running];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Available => "available",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Available | Self::Queued | Self::Running)
    }
}

impl Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for JobState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.name() == text);
        found.ok_or_else(|| format!("unknown state {text:?}; expected {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// Why an operator's request was refused.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    #[error("there is no queue {name:?}; the queues are {}", known.join(", "))]
    UnknownQueue { name: String, known: Vec<String> },
    #[error("job {job} is {state}; {expected}")]
    WrongState { job: JobId, state: JobState, expected: &'static str },
    #[error("job {existing} holds the same unique key and is {state}; only one of the two may stand")]
    Conflict { existing: JobId, state: JobState },
    #[error("this program does not know the kind {0:?}, so it cannot check the payload")]
    UnknownKind(String),
    #[error("the payload does not fit its kind: {0}")]
    Payload(String),
    /// A setting outside its bounds.
    #[error("{setting}: {problem}")]
    Invalid { setting: &'static str, problem: &'static str },
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// The database's clock: times in views are relative to it.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await
}

/// Who acts, as a job's log and a schedule's row name them: never personal data.
#[must_use]
pub fn name_of(actor: Actor) -> String {
    match actor {
        Actor::User(user) => format!("user {user}"),
        Actor::CommandLine => "cli".to_owned(),
        Actor::System => "system".to_owned(),
    }
}

/// Writes an act into the audit log. In the act's transaction, so that neither exists without the other.
pub(crate) async fn record(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    subject: (&str, impl ToString),
    data: Value,
) -> Result<(), sqlx::Error> {
    let subject = (subject.0, subject.1.to_string());
    audit::append(conn, Entry { actor, action, subject, data }).await?;
    Ok(())
}

/// Keeps an act with the job.
async fn note(conn: &mut PgConnection, job: JobId, act: &str, by: &str) -> Result<(), sqlx::Error> {
    let written = sqlx::query!(
        r#"
        INSERT INTO job_logs (job, attempt, at, line)
        SELECT id, attempt, clock_timestamp(), $2
        FROM jobs
        WHERE id = $1
        "#,
        job.0,
        format!("{act} by {by}"),
    )
    .execute(conn)
    .await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// The job's state, to say why an act on it was refused.
async fn state_of(conn: &mut PgConnection, job: JobId) -> Result<JobState, OpsError> {
    sqlx::query_scalar!(r#"SELECT state AS "state: JobState" FROM jobs WHERE id = $1"#, job.0)
        .fetch_optional(conn)
        .await?
        .ok_or(OpsError::UnknownJob(job))
}

/// A duration in its two biggest units.
#[must_use]
pub fn span(delta: TimeDelta) -> String {
    let ms = delta.num_milliseconds().max(0);
    let s = ms / 1_000;
    match s {
        0 => format!("{ms} ms"),
        1..=9 => format!("{}.{} s", s, ms % 1_000 / 100),
        10..=59 => format!("{s} s"),
        60..=3_599 => format!("{} min {} s", s / 60, s % 60),
        3_600..=86_399 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod testing;
