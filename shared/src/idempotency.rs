//! The stored answers of requests that carried an `Idempotency-Key`.
//!
//! A request takes two statements, and several that share a transaction take no more: [`begin`] takes a lock that ends with the
//! transaction, and looks for an answer; [`store`] adds the answer before the same transaction commits. Effect, answer and lock
//! share one fate, so a key is free again exactly when its request had no effect.
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

/// A key, and what was asked with it.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The organisation or the person whose key it is, or the carrier whose webhook.
    pub owner: Uuid,
    pub key: &'a str,
    /// SHA-256 of everything that makes two requests the same.
    pub hash: &'a [u8; 32],
}

/// Takes the key for the caller's transaction.
pub async fn begin(conn: &mut PgConnection, key: Key<'_>) -> Result<Begun, sqlx::Error> {
    begin_all(conn, &[key]).await?.pop().ok_or(sqlx::Error::RowNotFound)
}

/// Takes several keys that differ, and returns what is known about each, in their order.
pub async fn begin_all(conn: &mut PgConnection, keys: &[Key<'_>]) -> Result<Vec<Begun>, sqlx::Error> {
    let owners: Vec<Uuid> = keys.iter().map(|key| key.owner).collect();
    let texts: Vec<&str> = keys.iter().map(|key| key.key).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            pg_try_advisory_xact_lock(hashtextextended(asked.owner::text || asked.key, 7261352)) AS "locked!",
            stored.request_hash AS "request_hash?", stored.status AS "status?", stored.response AS "response?",
            stored.headers AS "headers?"
        FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (owner, key, place)
        -- Limited, because it can then only be answered key by key; a join may come to read all keys.
        LEFT JOIN LATERAL (
            SELECT request_hash, status, response, headers
            FROM idempotency_keys
            WHERE owner = asked.owner
              AND key = asked.key
            LIMIT 1
        ) AS stored ON true
        ORDER BY asked.place
        "#,
        &owners,
        &texts as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let begun = keys.iter().zip(rows).map(|(key, row)| match (row.request_hash, row.status, row.response) {
        (Some(stored), ..) if stored != key.hash => Begun::Mismatch,
        (Some(_), Some(status), Some(response)) => {
            Begun::Answered(Answer { status: u16::try_from(status).unwrap_or(200), headers: row.headers, response })
        }
        _ if row.locked => Begun::New,
        _ => Begun::InFlight,
    });
    Ok(begun.collect())
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

/// Adds answers to the caller's transaction, which must be the one of [`begin`] and of the effects; all or none.
pub async fn store(conn: &mut PgConnection, answers: &[(Key<'_>, &Answer)]) -> Result<(), StoreError> {
    let owners: Vec<Uuid> = answers.iter().map(|(key, _)| key.owner).collect();
    let keys: Vec<&str> = answers.iter().map(|(key, _)| key.key).collect();
    let hashes: Vec<&[u8]> = answers.iter().map(|(key, _)| key.hash.as_slice()).collect();
    let statuses: Vec<i16> = answers.iter().map(|(_, answer)| i16::try_from(answer.status).unwrap_or(200)).collect();
    let responses: Vec<&[u8]> = answers.iter().map(|(_, answer)| answer.response.as_slice()).collect();
    let headers: Vec<Option<Value>> = answers.iter().map(|(_, answer)| answer.headers.clone()).collect();
    let stored = sqlx::query!(
        r#"
        INSERT INTO idempotency_keys (owner, key, request_hash, status, response, headers)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::smallint[], $5::bytea[], $6::jsonb[])
        "#,
        &owners,
        &keys as &[&str],
        &hashes as &[&[u8]],
        &statuses,
        &responses as &[&[u8]],
        &headers as &[Option<Value>],
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
