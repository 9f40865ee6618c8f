//! What nobody has read.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::read;
use crate::chat::model::{Conversation, Inbox};
use crate::chat::rules::{MailDue, UNREAD_TERM, Unread, judge_mail};
use crate::ids::ConversationId;

/// What a look at unread messages finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailCheck {
    /// A mail is to tell of these; it is noted that one does.
    Due(Box<Conversation>),
    /// Not before this; both by the database's clock.
    NotYet {
        due_at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    Nothing,
}

/// Whether those who trade for `org` are to hear by mail of what they have not read. Needs a transaction; while that is open, nobody
/// writes to `org` in this conversation.
pub async fn check_mail(conn: &mut PgConnection, org: OrgId, id: ConversationId) -> Result<MailCheck, sqlx::Error> {
    sqlx::query!(
        "SELECT FROM conversation_parties WHERE conversation_id = $1 AND org_id = $2 FOR NO KEY UPDATE",
        id.0,
        org.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let row = sqlx::query!(
        r#"SELECT read_seq, mailed_seq, unread_since, clock_timestamp() AS "now!"
           FROM conversation_parties
           WHERE conversation_id = $1
             AND org_id = $2"#,
        id.0,
        org.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(MailCheck::Nothing) };
    let unread = Unread { since: row.unread_since, read: row.read_seq, mailed: row.mailed_seq, now: row.now };
    match judge_mail(unread) {
        MailDue::Never => Ok(MailCheck::Nothing),
        MailDue::At(due_at) => Ok(MailCheck::NotYet { due_at, now: row.now }),
        MailDue::Now => {
            let Some(conversation) = read::conversation(conn, org, id).await? else { return Ok(MailCheck::Nothing) };
            let noted = sqlx::query!(
                "UPDATE conversation_parties SET mailed_seq = $3 WHERE conversation_id = $1 AND org_id = $2",
                id.0,
                org.0,
                conversation.last_seq,
            )
            .execute(conn)
            .await?;
            debug_assert_eq!(noted.rows_affected(), 1);
            Ok(MailCheck::Due(Box::new(conversation)))
        }
    }
}

/// Up to `limit` conversations that a mail is due for, and whose people it is for.
pub async fn to_mail(conn: &mut PgConnection, limit: i64) -> Result<Vec<(ConversationId, OrgId)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT conversation_id AS "conversation: ConversationId", org_id AS "org: OrgId"
           FROM conversation_parties
           WHERE unread_since <= clock_timestamp() - make_interval(secs => $1)
             AND (mailed_seq IS NULL OR mailed_seq <= read_seq)
           ORDER BY unread_since
           LIMIT $2"#,
        UNREAD_TERM.as_seconds_f64(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.conversation, row.org)).collect())
}

/// What these people and their organisations have not read, by the person.
pub async fn inboxes(conn: &mut PgConnection, people: &[UserId]) -> Result<Vec<Inbox>, sqlx::Error> {
    let people: Vec<_> = people.iter().map(|user| user.0).collect();
    sqlx::query_as!(
        Inbox,
        r#"SELECT wanted.id AS "user!: UserId", coalesce(sum(unread.count), 0)::bigint AS "unread_conversations!",
                  (SELECT count(*)
                   FROM (SELECT FROM notices WHERE user_id = wanted.id AND read_at IS NULL LIMIT 100) AS counted
                  ) AS "unread_notices!"
           FROM unnest($1::uuid[]) AS wanted (id)
           LEFT JOIN memberships AS m ON m.user_id = wanted.id
           LEFT JOIN LATERAL (
               SELECT count(*) AS count
               FROM (SELECT
                     FROM conversation_parties
                     WHERE org_id = m.org_id
                       AND unread_since IS NOT NULL
                       AND archived_at IS NULL
                     LIMIT 100) AS counted
           ) AS unread ON true
           GROUP BY wanted.id"#,
        &people,
    )
    .fetch_all(conn)
    .await
}
