//! What a party notes for itself: what was read, what is put away, from whom it takes no messages.

use shared::ids::OrgId;
use sqlx::PgConnection;

use super::ChatError;
use crate::chat::rules::judge_mark;
use crate::ids::ConversationId;
use crate::offers::model::Party;

/// Notes that somebody of `org` has read every message up to this one. What was read before stays read. Needs a transaction.
pub async fn mark_read(conn: &mut PgConnection, org: OrgId, id: ConversationId, seq: i64) -> Result<(), ChatError> {
    // In a statement of its own: the next one sees a message that was written while this one waited.
    sqlx::query!(
        "SELECT FROM conversation_parties WHERE conversation_id = $1 AND org_id = $2 FOR NO KEY UPDATE",
        id.0,
        org.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ChatError::NotFound("conversation"))?;
    let last =
        sqlx::query_scalar!("SELECT last_seq FROM conversations WHERE id = $1", id.0).fetch_one(&mut *conn).await?;
    judge_mark(seq, last)?;
    let marked = sqlx::query!(
        "UPDATE conversation_parties
         SET read_seq = greatest(read_seq, $3),
             unread_since = (
                 SELECT created_at
                 FROM chat_messages
                 WHERE conversation_id = $1
                   AND seq > greatest(read_seq, $3)
                   AND org_id <> $2
                 ORDER BY seq
                 LIMIT 1
             )
         WHERE conversation_id = $1
           AND org_id = $2",
        id.0,
        org.0,
        seq,
    )
    .execute(conn)
    .await?;
    debug_assert_eq!(marked.rows_affected(), 1);
    Ok(())
}

/// Puts a conversation away until there is another message.
pub async fn archive(conn: &mut PgConnection, org: OrgId, id: ConversationId) -> Result<(), ChatError> {
    let changed = sqlx::query!(
        "UPDATE conversation_parties
         SET archived_at = coalesce(archived_at, clock_timestamp())
         WHERE conversation_id = $1
           AND org_id = $2",
        id.0,
        org.0,
    )
    .execute(conn)
    .await?;
    found(changed.rows_affected())
}

/// Brings a conversation back that was put away.
pub async fn unarchive(conn: &mut PgConnection, org: OrgId, id: ConversationId) -> Result<(), ChatError> {
    let changed = sqlx::query!(
        "UPDATE conversation_parties SET archived_at = NULL WHERE conversation_id = $1 AND org_id = $2",
        id.0,
        org.0,
    )
    .execute(conn)
    .await?;
    found(changed.rows_affected())
}

fn found(rows: u64) -> Result<(), ChatError> {
    if rows == 1 { Ok(()) } else { Err(ChatError::NotFound("conversation")) }
}

/// Who the other party of a conversation is.
async fn other(conn: &mut PgConnection, org: OrgId, id: ConversationId) -> Result<OrgId, ChatError> {
    let other = sqlx::query_scalar!(
        r#"SELECT other.org_id AS "other: OrgId"
           FROM conversation_parties AS own
           JOIN conversation_parties AS other ON other.conversation_id = own.conversation_id AND other.org_id <> own.org_id
           WHERE own.conversation_id = $1
             AND own.org_id = $2"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?;
    other.ok_or(ChatError::NotFound("conversation"))
}

/// Takes no messages of the other party any more, in any conversation. Doing it twice is fine.
pub async fn block(conn: &mut PgConnection, by: Party, id: ConversationId) -> Result<(), ChatError> {
    let other = other(conn, by.org, id).await?;
    sqlx::query!(
        "INSERT INTO chat_blocks (org_id, blocked_org_id, blocked_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        by.org.0,
        other.0,
        by.user.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes messages of the other party again.
pub async fn unblock(conn: &mut PgConnection, by: Party, id: ConversationId) -> Result<(), ChatError> {
    let other = other(conn, by.org, id).await?;
    sqlx::query!("DELETE FROM chat_blocks WHERE org_id = $1 AND blocked_org_id = $2", by.org.0, other.0)
        .execute(conn)
        .await?;
    Ok(())
}
