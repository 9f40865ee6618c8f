//! Reports of abusive messages, and what moderators do with them. Each time that one reads what was written, the audit log has it.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::{Keyring, Place};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::{ChatError, open_key, read};
use crate::chat::model::{ChatReport, ChatReportDetail, ChatReportOutcome, ChatReportReason, ChatReportStatus};
use crate::chat::rules::{CONTEXT, judge_note};
use crate::ids::{ChatReportId, ConversationId};
use crate::offers::model::Party;

/// What a note is sealed for.
fn note_place(id: ChatReportId, conversation: ConversationId, version: i32) -> Place {
    Place::new("chat_reports", &[&id, &conversation, &version])
}

/// Reports a message of the other party to the moderators. Needs a transaction.
pub async fn report(
    conn: &mut PgConnection,
    keyring: &Keyring,
    by: Party,
    conversation: ConversationId,
    seq: i64,
    reason: ChatReportReason,
    note: Option<&str>,
) -> Result<ChatReport, ChatError> {
    if let Some(note) = note {
        judge_note(note)?;
    }
    read::conversation(conn, by.org, conversation).await?.ok_or(ChatError::NotFound("conversation"))?;
    let author = sqlx::query_scalar!(
        r#"SELECT org_id AS "author: OrgId" FROM chat_messages WHERE conversation_id = $1 AND seq = $2"#,
        conversation.0,
        seq,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ChatError::NotFound("message"))?;
    if author == by.org {
        return Err(ChatError::OwnMessage);
    }
    let id = ChatReportId::generate();
    let sealed = match note {
        None => None,
        Some(note) => {
            let key = open_key(conn, keyring, conversation).await?;
            Some(key.key.seal(&note_place(id, conversation, key.version), note.as_bytes())?)
        }
    };
    sqlx::query!(
        "INSERT INTO chat_reports (id, conversation_id, seq, org_id, reported_by, reason, sealed_note)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        conversation.0,
        seq,
        by.org.0,
        by.user.0,
        reason as ChatReportReason,
        sealed.as_deref(),
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, by.user, "chat.report", id, json!({"conversation": conversation, "seq": seq})).await?;
    find(conn, id).await
}

async fn write_down(
    conn: &mut PgConnection,
    user: UserId,
    action: &str,
    id: ChatReportId,
    data: serde_json::Value,
) -> Result<(), sqlx::Error> {
    let (actor, subject) = (Actor::User(user), ("chat_report", id.to_string()));
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(())
}

struct Row {
    id: ChatReportId,
    conversation_id: ConversationId,
    seq: i64,
    org_id: OrgId,
    reported_org_id: OrgId,
    reported_name: String,
    reason: ChatReportReason,
    status: ChatReportStatus,
    created_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    decision: Option<String>,
}

impl From<Row> for ChatReport {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            conversation_id: row.conversation_id,
            seq: row.seq,
            org_id: row.org_id,
            reported_org_id: row.reported_org_id,
            reported_name: row.reported_name,
            reason: row.reason,
            status: row.status,
            created_at: row.created_at,
            decided_at: row.decided_at,
            decision: row.decision,
        }
    }
}

/// Up to `limit` reports behind `after`, oldest first: those that nobody has decided, or all.
pub async fn reports(
    conn: &mut PgConnection,
    open: bool,
    after: Option<ChatReportId>,
    limit: i64,
) -> Result<Vec<ChatReport>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.id AS "id: ChatReportId", r.conversation_id AS "conversation_id: ConversationId", r.seq,
                  r.org_id AS "org_id: OrgId", m.org_id AS "reported_org_id: OrgId", o.legal_name AS reported_name,
                  r.reason AS "reason: ChatReportReason", r.status AS "status: ChatReportStatus", r.created_at, r.decided_at,
                  r.decision
           FROM chat_reports AS r
           JOIN chat_messages AS m ON m.conversation_id = r.conversation_id AND m.seq = r.seq
           JOIN orgs AS o ON o.id = m.org_id
           WHERE (NOT $1 OR r.status = 'open')
             AND r.id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
           ORDER BY r.id
           LIMIT $3"#,
        open,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ChatReport::from).collect())
}

async fn find(conn: &mut PgConnection, id: ChatReportId) -> Result<ChatReport, ChatError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT r.id AS "id: ChatReportId", r.conversation_id AS "conversation_id: ConversationId", r.seq,
                  r.org_id AS "org_id: OrgId", m.org_id AS "reported_org_id: OrgId", o.legal_name AS reported_name,
                  r.reason AS "reason: ChatReportReason", r.status AS "status: ChatReportStatus", r.created_at, r.decided_at,
                  r.decision
           FROM chat_reports AS r
           JOIN chat_messages AS m ON m.conversation_id = r.conversation_id AND m.seq = r.seq
           JOIN orgs AS o ON o.id = m.org_id
           WHERE r.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(ChatReport::from).ok_or(ChatError::NotFound("report"))
}

/// Refuses people who belong to one of the two organisations.
async fn refuse_own(conn: &mut PgConnection, moderator: UserId, report: &ChatReport) -> Result<(), ChatError> {
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND org_id IN ($2, $3)) AS "own!""#,
        moderator.0,
        report.org_id.0,
        report.reported_org_id.0,
    )
    .fetch_one(conn)
    .await?;
    if own { Err(ChatError::Own) } else { Ok(()) }
}

/// What was reported, in clear, with the messages just before it. Needs a transaction: the audit log has who has read it.
pub async fn open_report(
    conn: &mut PgConnection,
    keyring: &Keyring,
    moderator: UserId,
    id: ChatReportId,
) -> Result<ChatReportDetail, ChatError> {
    let report = find(conn, id).await?;
    refuse_own(conn, moderator, &report).await?;
    let sealed =
        sqlx::query_scalar!("SELECT sealed_note FROM chat_reports WHERE id = $1", id.0).fetch_one(&mut *conn).await?;
    let conversation = report.conversation_id;
    let key = open_key(conn, keyring, conversation).await?;
    let note = match sealed {
        None => None,
        Some(sealed) => {
            let note = key.key.open(&note_place(id, conversation, key.version), &sealed)?;
            Some(String::from_utf8(note.expose_secret().to_vec()).map_err(|_| ChatError::Unreadable)?)
        }
    };
    let mut messages = read::newest(conn, &key, conversation, report.seq + 1, CONTEXT + 1).await?;
    messages.reverse();
    write_down(conn, moderator, "chat.report_read", id, json!({"messages": messages.len()})).await?;
    Ok(ChatReportDetail { report, note, messages })
}

/// Decides about a report. Needs a transaction.
pub async fn decide(
    conn: &mut PgConnection,
    moderator: UserId,
    id: ChatReportId,
    outcome: ChatReportOutcome,
    decision: &str,
) -> Result<ChatReport, ChatError> {
    // In a statement of its own: the next one sees what was decided while this one waited.
    sqlx::query!("SELECT FROM chat_reports WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let report = find(conn, id).await?;
    refuse_own(conn, moderator, &report).await?;
    if report.status != ChatReportStatus::Open {
        return Err(ChatError::Decided);
    }
    let status = ChatReportStatus::from(outcome);
    sqlx::query!(
        "UPDATE chat_reports
         SET status = $2,
             decided_by = $3,
             decided_at = clock_timestamp(),
             decision = $4
         WHERE id = $1",
        id.0,
        status as ChatReportStatus,
        moderator.0,
        decision,
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, moderator, "chat.report_decide", id, json!({"outcome": outcome})).await?;
    find(conn, id).await
}
