//! Sealing the keys of conversations with another master key, while everything runs. What they have sealed is not touched.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::Keyring;
use sqlx::PgConnection;

use super::{ChatError, key_place};
use crate::ids::ConversationId;

/// Seals with the first master key up to `limit` keys that another one has sealed, and writes that to the audit log; returns how many.
/// Needs a transaction. None are left when it returns 0.
pub async fn reseal(conn: &mut PgConnection, actor: Actor, keyring: &Keyring, limit: i64) -> Result<u64, ChatError> {
    let current = keyring.current_id();
    // Two ranges, each of which an index has in order; "another one" is no range.
    let ids = sqlx::query_scalar!(
        r#"SELECT conversation_id AS "id!"
           FROM (
               (SELECT conversation_id FROM conversation_keys WHERE master_key_id < $1 ORDER BY master_key_id LIMIT $2)
               UNION ALL
               (SELECT conversation_id FROM conversation_keys WHERE master_key_id > $1 ORDER BY master_key_id LIMIT $2)
           ) AS others
           LIMIT $2"#,
        current.as_slice(),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"SELECT conversation_id AS "conversation: ConversationId", version, sealed
           FROM conversation_keys
           WHERE conversation_id = ANY ($1)
           ORDER BY conversation_id
           FOR UPDATE"#,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut resealed = 0;
    for row in &rows {
        // Somebody else may have been faster.
        if keyring.is_current(&row.sealed) {
            continue;
        }
        let sealed = keyring.reseal(&key_place(row.conversation, row.version), &row.sealed)?;
        let changed = sqlx::query!(
            "UPDATE conversation_keys
             SET sealed = $2,
                 sealed_at = clock_timestamp()
             WHERE conversation_id = $1",
            row.conversation.0,
            sealed,
        )
        .execute(&mut *conn)
        .await?;
        resealed += changed.rows_affected();
    }
    if resealed > 0 {
        let (subject, data) = (("encryption", "conversation_keys".to_owned()), json!({"resealed": resealed}));
        audit::append(conn, audit::Entry { actor, action: "encryption.reseal", subject, data }).await?;
    }
    Ok(resealed)
}

/// How many keys of conversations a master key has sealed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyUse {
    /// The beginning of a hash of the master key, in hexadecimal.
    pub master_key: String,
    pub conversations: i64,
}

/// Which master keys are in use.
pub async fn key_use(conn: &mut PgConnection) -> Result<Vec<KeyUse>, sqlx::Error> {
    sqlx::query_as!(
        KeyUse,
        r#"SELECT encode(master_key_id, 'hex') AS "master_key!", count(*) AS "conversations!"
           FROM conversation_keys
           GROUP BY master_key_id
           ORDER BY master_key_id"#,
    )
    .fetch_all(conn)
    .await
}
