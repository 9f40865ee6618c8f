//! The append-only, hash-chained log of what people, the command line and the system itself did.
//!
//! An entry is written in the transaction of the act, so that neither exists without the other. The
//! database makes `seq`, `at` and `hash` itself and refuses changes; writers wait for each other
//! until they commit, so keep such transactions short.

use std::fmt::{self, Display};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use crate::ids::UserId;
use crate::trace::TraceParent;

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

/// Appends an entry and returns its seq.
pub async fn append(conn: &mut PgConnection, entry: Entry<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO audit_entries (actor_kind, actor, action, subject_kind, subject_id, data, trace_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING seq
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
mod tests {
    use serde_json::json;
    use sqlx::Executor;

    use super::*;
    use crate::testing::TestDb;

    async fn write(db: &TestDb, id: i64) -> Result<i64, sqlx::Error> {
        let mut tx = db.pool.begin().await?;
        let subject = ("org", id.to_string());
        let seq =
            append(&mut tx, Entry { actor: Actor::System, action: "org.approve", subject, data: json!({"n": id}) })
                .await?;
        tx.commit().await?;
        Ok(seq)
    }

    #[tokio::test]
    async fn concurrent_entries_chain_without_gaps() {
        let db = TestDb::new().await;
        let written = futures::future::join_all((1..=16).map(|id| write(&db, id))).await;
        let mut seqs: Vec<i64> = written.into_iter().map(Result::unwrap).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=16).collect::<Vec<_>>());
        let mut conn = db.pool.acquire().await.unwrap();
        assert_eq!(first_fault(&mut conn).await.unwrap(), None);
        drop(conn);
        db.close().await;
    }

    #[tokio::test]
    async fn changes_are_refused_and_a_forced_one_shows() {
        let db = TestDb::new().await;
        for id in 1..=5 {
            write(&db, id).await.unwrap();
        }
        for sql in
            ["UPDATE audit_entries SET action = 'org.reject'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"]
        {
            let error = db.pool.execute(sql).await.unwrap_err();
            assert!(error.to_string().contains("append-only"), "{sql}: {error}");
        }
        db.pool.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER").await.unwrap();
        for (sql, fault) in [
            ("UPDATE audit_entries SET data = '{\"n\": 7}' WHERE seq = 4", 4),
            ("DELETE FROM audit_entries WHERE seq = 2", 3),
        ] {
            db.pool.execute(sql).await.unwrap();
            let mut conn = db.pool.acquire().await.unwrap();
            assert_eq!(first_fault(&mut conn).await.unwrap(), Some(fault), "{sql}");
        }
        db.close().await;
    }

    #[tokio::test]
    async fn the_command_line_and_the_system_are_told_apart_and_older_entries_keep_their_hash() {
        let db = TestDb::new().await;
        // As an earlier version of the program wrote it.
        let old = "INSERT INTO audit_entries (action, subject_kind, subject_id, hash)
                   VALUES ('org.approve', 'org', '1', '')";
        db.pool.execute(old).await.unwrap();
        let mut conn = db.pool.acquire().await.unwrap();
        for actor in [Actor::CommandLine, Actor::System] {
            let subject = ("org", "1".to_owned());
            append(&mut conn, Entry { actor, action: "org.approve", subject, data: json!({}) }).await.unwrap();
        }
        let kinds: Vec<_> =
            page(&mut conn, None, None, 10).await.unwrap().into_iter().map(|entry| entry.actor_kind).collect();
        assert_eq!(kinds, [Some(ActorKind::System), Some(ActorKind::CommandLine), None]);
        // The old entry has the hash that the earlier version computed.
        let unchanged: bool = sqlx::query_scalar(
            "SELECT hash = sha256(convert_to(jsonb_build_array(
                 seq, (extract(epoch FROM at) * 1000000)::bigint, actor, action, subject_kind, subject_id, data,
                 trace_id)::text, 'UTF8'))
             FROM audit_entries
             WHERE seq = 1",
        )
        .fetch_one(&mut *conn)
        .await
        .unwrap();
        assert!(unchanged);
        drop(conn);
        // Who acted is covered by the hash as well.
        db.pool.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER").await.unwrap();
        db.pool.execute("UPDATE audit_entries SET actor_kind = 'system' WHERE seq = 2").await.unwrap();
        let mut conn = db.pool.acquire().await.unwrap();
        assert_eq!(first_fault(&mut conn).await.unwrap(), Some(2));
        drop(conn);
        db.close().await;
    }
}
