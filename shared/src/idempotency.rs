//! The stored answers of requests that carried an `Idempotency-Key`.
//!
//! A request takes two statements: [`begin`] takes a lock that ends with the transaction, and looks
//! for an answer; [`store`] adds the answer before the same transaction commits. Effect, answer and
//! lock share one fate, so a key is free again exactly when its request had no effect.
//!
//! # How to get this wrong
//! - Committing the effect and the answer separately: a crash between them repeats the effect.
//! - Trusting that look alone: its snapshot may be older than the lock. The primary key refuses the
//!   late second answer.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// What is known about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nobody has used it: go on, then [`store`].
    New,
    /// Another request with this key is being processed.
    InFlight,
    /// The key belongs to a request with other contents.
    Mismatch,
    /// The request has been answered before.
    Answered(Answer),
}

/// A stored answer, as it is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// By name, in lower case; `None` if there are only those that every answer has.
    pub headers: Option<Value>,
    pub response: Vec<u8>,
}

/// Takes the key for the caller's transaction. `hash` is SHA-256 of everything that makes two requests the same.
pub async fn begin(conn: &mut PgConnection, owner: Uuid, key: &str, hash: &[u8; 32]) -> Result<Begun, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            pg_try_advisory_xact_lock(hashtextextended($1::uuid::text || $2, 7261352)) AS "locked!",
            stored.request_hash AS "request_hash?", stored.status AS "status?", stored.response AS "response?",
            stored.headers AS "headers?"
        FROM (SELECT) AS one
        LEFT JOIN idempotency_keys AS stored ON stored.owner = $1 AND stored.key = $2
        "#,
        owner,
        key,
    )
    .fetch_one(conn)
    .await?;
    Ok(match (row.request_hash, row.status, row.response) {
        (Some(stored), ..) if stored != hash => Begun::Mismatch,
        (Some(_), Some(status), Some(response)) => {
            Begun::Answered(Answer { status: u16::try_from(status).unwrap_or(200), headers: row.headers, response })
        }
        _ if row.locked => Begun::New,
        _ => Begun::InFlight,
    })
}

/// Why an answer was not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another request with the key committed first: roll back, so that the client asks again and
    /// gets that answer.
    #[error("another request with this key was answered meanwhile")]
    Late,
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Adds the answer to the caller's transaction, which must be the one of [`begin`] and of the effect.
pub async fn store(
    conn: &mut PgConnection,
    owner: Uuid,
    key: &str,
    hash: &[u8; 32],
    answer: &Answer,
) -> Result<(), StoreError> {
    let stored = sqlx::query!(
        r#"
        INSERT INTO idempotency_keys (owner, key, request_hash, status, response, headers)
        VALUES ($1, $2, $3, $4, $5, $6)
        "#,
        owner,
        key,
        hash.as_slice(),
        i16::try_from(answer.status).unwrap_or(200),
        &answer.response,
        answer.headers,
    )
    .execute(conn)
    .await;
    match stored {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("idempotency_keys_once") => {
            Err(StoreError::Late)
        }
        Err(error) => Err(error.into()),
    }
}

/// Deletes up to `limit` answers older than `hours`; returns how many were deleted.
pub async fn purge(conn: &mut PgConnection, hours: u32, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM idempotency_keys
        WHERE (owner, key) IN (
            SELECT owner, key
            FROM idempotency_keys
            WHERE created_at < clock_timestamp() - $1 * interval '1 hour'
            ORDER BY created_at
            LIMIT $2
        )
        "#,
        f64::from(hours),
        limit,
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}
