use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::ids::OrgId;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::cargo::model::{CargoEvent, EventMessage};

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

impl Reject {
    /// A reject for an event that could be read, kept as a message that can be published again.
    #[must_use]
    pub fn of(org: OrgId, event: &CargoEvent, routing_key: &str, reason: &str) -> Self {
        let message = EventMessage { org, events: vec![event] };
        // An event that could be read can be written.
        let bytes = serde_json::to_vec(&message).unwrap_or_default();
        Self { reason: reason.to_owned(), bytes, routing_key: routing_key.to_owned() }
    }
}

/// Keeps rejects for a person to look at. The same bytes again only raise a count, so redelivery
/// does not multiply them.
pub async fn park(conn: &mut PgConnection, rejects: &[Reject]) -> Result<(), sqlx::Error> {
    // One at a time: rejects are rare, and one statement could not count the same bytes twice.
    for reject in rejects {
        let kept = &reject.bytes[..reject.bytes.len().min(MAX_REJECT_BYTES)];
        let digest = Sha256::digest(&reject.bytes);
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

/// Keeps a message that RabbitMQ gave up, of at most [`MAX_REJECT_BYTES`], until somebody decides about it: what is in it may be
/// sound. The same one again only raises a count, also when its acknowledgement was lost.
pub async fn keep_parked(conn: &mut PgConnection, message: &Reject) -> Result<(), sqlx::Error> {
    let digest = Sha256::digest(&message.bytes);
    let kept = sqlx::query!(
        "
        INSERT INTO cargo_rejects (digest, reason, bytes, size, routing_key, parked)
        VALUES ($1, $2, $3, $4, $5, true)
        ON CONFLICT ON CONSTRAINT cargo_rejects_once
        DO UPDATE SET seen = cargo_rejects.seen + 1, last_at = now(), reason = EXCLUDED.reason, parked = true
        ",
        digest.as_slice(),
        clean(&message.reason),
        message.bytes.as_slice(),
        i64::try_from(message.bytes.len()).unwrap_or(i64::MAX),
        clean(&message.routing_key),
    )
    .execute(conn)
    .await?;
    debug_assert_eq!(kept.rows_affected(), 1);
    Ok(())
}

/// A text that PostgreSQL can hold, which U+0000 is not part of.
fn clean(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_REASON_CHARS).collect()
}

/// Deletes rejects that were last seen more than `days` ago, and the oldest beyond `most`, but nothing that RabbitMQ gave up;
/// returns how many.
pub async fn prune_rejects(conn: &mut PgConnection, days: i32, most: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "
        DELETE FROM cargo_rejects
        WHERE NOT parked
          AND (last_at < now() - make_interval(days => $1)
            OR id IN (
                SELECT id
                FROM cargo_rejects
                WHERE NOT parked
                ORDER BY last_at DESC
                OFFSET $2
            ))
        ",
        days,
        most,
    )
    .execute(conn)
    .await?;
    Ok(pruned.rows_affected())
}

/// A reject as it is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeptReject {
    pub id: i64,
    /// What is wrong with it.
    pub reason: String,
    /// As what it was published; empty if the database refused it.
    pub routing_key: String,
    /// Its length in bytes, of which at most 65,536 are kept.
    pub size: i64,
    /// How often it arrived.
    pub seen: i64,
    /// Whether RabbitMQ gave it up because it came back from the consumer too often. It is kept until somebody decides about it.
    pub parked: bool,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// The ids of messages that RabbitMQ gave up, oldest first.
pub async fn parked_rejects(conn: &mut PgConnection, limit: i64) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "
        SELECT id
        FROM cargo_rejects
        WHERE parked
        ORDER BY id
        LIMIT $1
        ",
        limit,
    )
    .fetch_all(conn)
    .await
}

/// At most `limit` rejects, the newest first; only those that came before `before`.
pub async fn page_rejects(
    conn: &mut PgConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<KeptReject>, sqlx::Error> {
    sqlx::query_as!(
        KeptReject,
        "
        SELECT id, reason, routing_key, size, seen, parked, first_at, last_at
        FROM cargo_rejects
        WHERE id < coalesce($1, 9223372036854775807)
        ORDER BY id DESC
        LIMIT $2
        ",
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A reject and what arrived.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RejectedMessage {
    #[serde(flatten)]
    pub reject: KeptReject,
    /// What arrived, or the beginning of it; what is not UTF-8 is replaced.
    pub text: String,
    /// Whether all of it was kept. Otherwise it can only be sent again in an edited form.
    pub whole: bool,
}

/// A reject with what arrived, if there is one of this id.
pub async fn get_reject(conn: &mut PgConnection, id: i64) -> Result<Option<RejectedMessage>, sqlx::Error> {
    let row = sqlx::query!(
        "
        SELECT id, reason, routing_key, size, seen, parked, first_at, last_at, bytes
        FROM cargo_rejects
        WHERE id = $1
        ",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| RejectedMessage {
        text: String::from_utf8_lossy(&row.bytes).into_owned(),
        whole: i64::try_from(row.bytes.len()) == Ok(row.size),
        reject: KeptReject {
            id: row.id,
            reason: row.reason,
            routing_key: row.routing_key,
            size: row.size,
            seen: row.seen,
            parked: row.parked,
            first_at: row.first_at,
            last_at: row.last_at,
        },
    }))
}

/// Removes a reject, whether it was kept whole or not; says whether there was one.
pub async fn drop_reject(conn: &mut PgConnection, id: i64) -> Result<bool, sqlx::Error> {
    let dropped = sqlx::query!("DELETE FROM cargo_rejects WHERE id = $1", id).execute(conn).await?;
    Ok(dropped.rows_affected() == 1)
}
