//! The append-only, hash-chained log of what people, the command line and the system itself did.
//!
//! An entry is written in the transaction of the act, so that neither exists without the other. The
//! database makes `seq`, `at` and `hash` itself, as the transaction commits, and refuses changes;
//! writers wait for each other only while they commit.

mod verify;

use std::fmt::{self, Display};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use crate::ids::UserId;
use crate::trace::TraceParent;

pub use verify::{Fault, Head, NoHead, VerifyError, Whole, verify};

/// Who acts. Acts that are written to the log take one, and write the entry themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    /// Whoever may run `tradeyard` on the installation.
    CommandLine,
    /// The platform by itself, such as a rule that ends a stolen session.
    System,
}

impl Actor {
    /// The person, if it is one.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::CommandLine | Self::System => None,
        }
    }

    const fn kind(self) -> ActorKind {
        match self {
            Self::User(_) => ActorKind::User,
            Self::CommandLine => ActorKind::CommandLine,
            Self::System => ActorKind::System,
        }
    }
}

/// What sort of actor an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ActorKind {
    User,
    CommandLine,
    System,
}

impl Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::User => "user",
            Self::CommandLine => "command line",
            Self::System => "system",
        })
    }
}

/// An entry to be written.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub actor: Actor,
    /// `domain.verb`, such as `org.approve`.
    pub action: &'a str,
    /// What was acted on, such as `org`, and its id.
    pub subject: (&'a str, String),
    /// What changed and why: ids and states, no personal data.
    pub data: Value,
}

/// An entry that was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// `None` if no person acted, in an entry from before the command line and the system were
    /// distinguished.
    pub actor_kind: Option<ActorKind>,
    /// The person, if it was one.
    pub actor: Option<UserId>,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Value,
    pub trace_id: Option<String>,
}

/// Appends an entry as the transaction commits, and returns a number that no other act has.
pub async fn append(conn: &mut PgConnection, entry: Entry<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO audit_acts (actor_kind, actor, action, subject_kind, subject_id, data, trace_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING act
        "#,
        entry.actor.kind() as ActorKind,
        entry.actor.user().map(|user| user.0),
        entry.action,
        entry.subject.0,
        entry.subject.1,
        entry.data,
        TraceParent::current().map(TraceParent::trace_id_hex),
    )
    .fetch_one(conn)
    .await
}

/// The newest entries before `before`, newest first; of one subject if `subject` is given.
pub async fn page(
    conn: &mut PgConnection,
    subject: Option<(&str, &str)>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Written>, sqlx::Error> {
    sqlx::query_as!(
        Written,
        r#"
        SELECT
            seq, at, coalesce(actor_kind, CASE WHEN actor IS NOT NULL THEN 'user' END) AS "actor_kind: ActorKind",
            actor AS "actor: UserId", action, subject_kind, subject_id, data, trace_id
        FROM audit_entries
        WHERE ($1::text IS NULL OR (subject_kind = $1 AND subject_id = $2))
          AND seq < coalesce($3, 9223372036854775807)
        ORDER BY seq DESC
        LIMIT $4
        "#,
        subject.map(|(kind, _)| kind),
        subject.map(|(_, id)| id),
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The seq of the first entry that was changed or that follows a missing one; `None` if the chain
/// is whole.
pub async fn first_fault(conn: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("SELECT audit_first_fault()").fetch_one(conn).await
}

#[cfg(test)]
mod tests;
