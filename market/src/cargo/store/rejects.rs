use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

/// How many bytes of a reject are kept.
pub const MAX_REJECT_BYTES: usize = 65_536;
const MAX_REASON_CHARS: usize = 500;

/// Something that arrived on the events lane and cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub reason: String,
    /// The message, or the one event in it that is at fault.
    pub bytes: Vec<u8>,
    pub routing_key: String,
}

/// Keeps rejects for a person to look at. The same bytes again only raise a count, so redelivery
/// does not multiply them.
pub async fn park(conn: &mut PgConnection, rejects: &[Reject]) -> Result<(), sqlx::Error> {
    // One at a time: rejects are rare, and one statement could not count the same bytes twice.
    for reject in rejects {
        let kept = &reject.bytes[..reject.bytes.len().min(MAX_REJECT_BYTES)];
        let digest = Sha256::digest(&reject.bytes);
        // PostgreSQL's text cannot hold U+0000.
        let clean = |text: &str| text.chars().filter(|c| *c != '\0').take(MAX_REASON_CHARS).collect::<String>();
        let parked = sqlx::query!(
            "
            INSERT INTO cargo_rejects (digest, reason, bytes, size, routing_key)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT ON CONSTRAINT cargo_rejects_once
            DO UPDATE SET seen = cargo_rejects.seen + 1, last_at = now(), reason = EXCLUDED.reason
            ",
            digest.as_slice(),
            clean(&reject.reason),
            kept,
            i64::try_from(reject.bytes.len()).unwrap_or(i64::MAX),
            clean(&reject.routing_key),
        )
        .execute(&mut *conn)
        .await?;
        debug_assert_eq!(parked.rows_affected(), 1);
    }
    Ok(())
}

/// Deletes rejects that were last seen more than `days` ago, and the oldest beyond `most`; returns how many.
pub async fn prune_rejects(conn: &mut PgConnection, days: i32, most: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "
        DELETE FROM cargo_rejects
        WHERE last_at < now() - make_interval(days => $1)
            OR id IN (
                SELECT id
                FROM cargo_rejects
                ORDER BY last_at DESC
                OFFSET $2
            )
        ",
        days,
        most,
    )
    .execute(conn)
    .await?;
    Ok(pruned.rows_affected())
}

/// A reject as it is kept.
#[derive(Clone, Debug, Serialize)]
pub struct KeptReject {
    pub id: i64,
    pub reason: String,
    pub routing_key: String,
    /// Its length in bytes, of which at most [`MAX_REJECT_BYTES`] are kept.
    pub size: i64,
    /// How often it arrived.
    pub seen: i64,
    pub last_at: DateTime<Utc>,
}

/// The most recent rejects.
pub async fn rejects(conn: &mut PgConnection, limit: i64) -> Result<Vec<KeptReject>, sqlx::Error> {
    sqlx::query_as!(
        KeptReject,
        "
        SELECT id, reason, routing_key, size, seen, last_at
        FROM cargo_rejects
        ORDER BY last_at DESC, id DESC
        LIMIT $1
        ",
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Removes a reject so that it can be sent again; returns its routing key and its bytes. `None`: it
/// does not exist, or was too long to be kept whole.
pub async fn take_reject(conn: &mut PgConnection, id: i64) -> Result<Option<(String, Vec<u8>)>, sqlx::Error> {
    let taken = sqlx::query!(
        "
        DELETE FROM cargo_rejects
        WHERE id = $1
          AND octet_length(bytes) = size
        RETURNING routing_key, bytes
        ",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(taken.map(|row| (row.routing_key, row.bytes)))
}
