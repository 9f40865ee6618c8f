//! Conversations and messages as the parties see them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::crypto::seal::Keyring;
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::body::Body;
use super::{ChatError, Key, Written, open_key};
use crate::chat::model::{Attachment, Conversation, MOST_COUNTED, Message};
use crate::ids::{ConversationId, ImageId, ListingId, MessageClientId, OfferId, OrderId};
use crate::orders::model::Side;

/// The conversation, if `org` is a party.
pub async fn conversation(
    conn: &mut PgConnection,
    org: OrgId,
    id: ConversationId,
) -> Result<Option<Conversation>, sqlx::Error> {
    Ok(conversations(conn, org, &[id.0]).await?.pop())
}

/// Up to `limit` conversations of `org` that are put away, or those that are not, by their last messages, newest first, before `before`.
pub async fn page(
    conn: &mut PgConnection,
    org: OrgId,
    archived: bool,
    before: Option<(DateTime<Utc>, ConversationId)>,
    limit: i64,
) -> Result<Vec<Conversation>, sqlx::Error> {
    let (at, id) = before.unzip();
    let id = id.map_or(Uuid::max(), |id| id.0);
    // Two statements, so that each can use its own index.
    let ids = if archived {
        sqlx::query_scalar!(
            "SELECT conversation_id
             FROM conversation_parties
             WHERE org_id = $1
               AND archived_at IS NOT NULL
               AND (last_at, conversation_id) < (coalesce($2, 'infinity'::timestamptz), $3)
             ORDER BY last_at DESC, conversation_id DESC
             LIMIT $4",
            org.0,
            at,
            id,
            limit,
        )
        .fetch_all(&mut *conn)
        .await?
    } else {
        sqlx::query_scalar!(
            "SELECT conversation_id
             FROM conversation_parties
             WHERE org_id = $1
               AND archived_at IS NULL
               AND (last_at, conversation_id) < (coalesce($2, 'infinity'::timestamptz), $3)
             ORDER BY last_at DESC, conversation_id DESC
             LIMIT $4",
            org.0,
            at,
            id,
            limit,
        )
        .fetch_all(&mut *conn)
        .await?
    };
    conversations(conn, org, &ids).await
}

/// These conversations, in this order, as `org` has them; those of others are left out.
async fn conversations(conn: &mut PgConnection, org: OrgId, ids: &[Uuid]) -> Result<Vec<Conversation>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: ConversationId", c.listing_id AS "listing_id: ListingId", c.offer_id AS "offer_id: OfferId",
                  c.order_id AS "order_id: OrderId", coalesce(l.title, line.title, i.title) AS "title!", c.buyer_org_id = $2 AS "buys!",
                  theirs.org_id AS "other_org_id: OrgId", other.legal_name AS other_name, c.last_seq, own.last_at,
                  coalesce(own.read_seq, 0) AS "read_seq!", coalesce(theirs.read_seq, 0) AS "other_read_seq!",
                  (SELECT count(*)
                   FROM (SELECT
                         FROM chat_messages
                         WHERE conversation_id = c.id
                           AND seq > coalesce(own.read_seq, 0)
                           AND org_id <> $2
                         LIMIT $3) AS unread) AS "unread!",
                  own.archived_at IS NOT NULL AS "archived!",
                  EXISTS (SELECT FROM chat_blocks WHERE org_id = $2 AND blocked_org_id = theirs.org_id) AS "blocked!",
                  EXISTS (SELECT FROM chat_blocks WHERE org_id = theirs.org_id AND blocked_org_id = $2) AS "blocked_by_other!",
                  c.created_at
           FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
           JOIN conversations AS c ON c.id = wanted.id
           JOIN conversation_parties AS own ON own.conversation_id = c.id AND own.org_id = $2
           JOIN conversation_parties AS theirs ON theirs.conversation_id = c.id AND theirs.org_id <> $2
           JOIN orgs AS other ON other.id = theirs.org_id
           LEFT JOIN offers AS f ON f.id = c.offer_id
           LEFT JOIN listings AS l ON l.id = coalesce(c.listing_id, f.listing_id)
           LEFT JOIN items AS i ON i.id = f.item_id
           LEFT JOIN order_lines AS line ON line.order_id = c.order_id AND line.line_no = 1
           ORDER BY wanted.place"#,
        ids,
        org.0,
        MOST_COUNTED,
    )
    .fetch_all(conn)
    .await?;
    let conversations = rows.into_iter().map(|row| Conversation {
        id: row.id,
        listing_id: row.listing_id,
        offer_id: row.offer_id,
        order_id: row.order_id,
        title: row.title,
        side: if row.buys { Side::Buyer } else { Side::Seller },
        other_org_id: row.other_org_id,
        other_name: row.other_name,
        last_seq: row.last_seq,
        last_at: row.last_at,
        read_seq: row.read_seq,
        other_read_seq: row.other_read_seq,
        unread: row.unread,
        archived: row.archived,
        blocked: row.blocked,
        blocked_by_other: row.blocked_by_other,
        created_at: row.created_at,
    });
    Ok(conversations.collect())
}

/// To strangers a conversation does not exist.
async fn require_party(conn: &mut PgConnection, org: OrgId, id: ConversationId) -> Result<(), ChatError> {
    sqlx::query!("SELECT FROM conversation_parties WHERE conversation_id = $1 AND org_id = $2", id.0, org.0)
        .fetch_optional(conn)
        .await?
        .ok_or(ChatError::NotFound("conversation"))?;
    Ok(())
}

/// Up to `limit` messages behind this number, oldest first, of a conversation of which `org` is a party.
pub async fn after(
    conn: &mut PgConnection,
    keyring: &Keyring,
    org: OrgId,
    id: ConversationId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, ChatError> {
    require_party(conn, org, id).await?;
    news(conn, keyring, id, seq, limit).await
}

/// Up to `limit` messages before this number, newest first, of a conversation of which `org` is a party.
pub async fn before(
    conn: &mut PgConnection,
    keyring: &Keyring,
    org: OrgId,
    id: ConversationId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, ChatError> {
    require_party(conn, org, id).await?;
    let key = open_key(conn, keyring, id).await?;
    newest(conn, &key, id, seq, limit).await
}

/// [`after`] for whoever has asked already who may read.
pub async fn news(
    conn: &mut PgConnection,
    keyring: &Keyring,
    id: ConversationId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, ChatError> {
    let key = open_key(conn, keyring, id).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT seq, org_id AS "org_id: OrgId", sender_id AS "sender_id: UserId",
                  client_id AS "client_id: MessageClientId", key_version, sealed, created_at
           FROM chat_messages
           WHERE conversation_id = $1
             AND seq > $2
           ORDER BY seq
           LIMIT $3"#,
        id.0,
        seq,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    opened(conn, &key, id, rows).await
}

/// Up to `limit` messages before this number, newest first.
pub(super) async fn newest(
    conn: &mut PgConnection,
    key: &Key,
    id: ConversationId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, ChatError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT seq, org_id AS "org_id: OrgId", sender_id AS "sender_id: UserId",
                  client_id AS "client_id: MessageClientId", key_version, sealed, created_at
           FROM chat_messages
           WHERE conversation_id = $1
             AND seq < $2
           ORDER BY seq DESC
           LIMIT $3"#,
        id.0,
        seq,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    opened(conn, key, id, rows).await
}

/// The message of this number, which must be there.
pub(super) async fn one(
    conn: &mut PgConnection,
    key: &Key,
    id: ConversationId,
    seq: i64,
) -> Result<Message, ChatError> {
    let message = newest(conn, key, id, seq + 1, 1).await?.pop();
    message.filter(|message| message.seq == seq).ok_or(ChatError::NotFound("message"))
}

struct Row {
    seq: i64,
    org_id: OrgId,
    sender_id: UserId,
    client_id: MessageClientId,
    key_version: i32,
    sealed: Vec<u8>,
    created_at: DateTime<Utc>,
}

/// Opens messages, and adds what they carry. One that does not open fails all: somebody has changed what is stored.
async fn opened(
    conn: &mut PgConnection,
    key: &Key,
    id: ConversationId,
    rows: Vec<Row>,
) -> Result<Vec<Message>, ChatError> {
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let mut carried = attachments(conn, id, &seqs).await?;
    let open = |row: Row| -> Result<Message, ChatError> {
        let written = Written { conversation: id, seq: row.seq, org: row.org_id, sender: row.sender_id };
        let body = Body::open(key, &written.place(row.key_version), &row.sealed)?;
        let mut attachments = carried.remove(&row.seq).unwrap_or_default();
        for attachment in &mut attachments {
            attachment.name = body.name(attachment.place).map(str::to_owned);
        }
        Ok(Message {
            seq: row.seq,
            org_id: row.org_id,
            client_id: row.client_id,
            text: body.text,
            attachments,
            sent_at: row.created_at,
        })
    };
    rows.into_iter().map(open).collect()
}

/// What these messages carry, without the names of files.
async fn attachments(
    conn: &mut PgConnection,
    id: ConversationId,
    seqs: &[i64],
) -> Result<HashMap<i64, Vec<Attachment>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.seq, a.place, a.image_id AS "image_id: ImageId", u.content_type AS "content_type?", u.size AS "size?"
           FROM chat_attachments AS a
           LEFT JOIN uploads AS u ON u.id = a.upload_id
           WHERE a.conversation_id = $1
             AND a.seq = ANY ($2)
           ORDER BY a.seq, a.place"#,
        id.0,
        seqs,
    )
    .fetch_all(conn)
    .await?;
    let mut carried: HashMap<i64, Vec<Attachment>> = HashMap::new();
    for row in rows {
        carried.entry(row.seq).or_default().push(Attachment {
            place: row.place,
            image_id: row.image_id,
            name: None,
            content_type: row.content_type,
            size: row.size,
        });
    }
    Ok(carried)
}

/// What stands at a place of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    Picture(ImageId),
    File { object_key: String, name: String },
}

/// What a message of `org`'s conversation carries at this place.
pub async fn attachment(
    conn: &mut PgConnection,
    keyring: &Keyring,
    org: OrgId,
    id: ConversationId,
    seq: i64,
    place: i16,
) -> Result<Attached, ChatError> {
    require_party(conn, org, id).await?;
    let row = sqlx::query!(
        r#"SELECT a.image_id AS "image_id: ImageId", u.object_key AS "object_key?"
           FROM chat_attachments AS a
           LEFT JOIN uploads AS u ON u.id = a.upload_id
           WHERE a.conversation_id = $1
             AND a.seq = $2
             AND a.place = $3"#,
        id.0,
        seq,
        place,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ChatError::NotFound("attachment"))?;
    match (row.image_id, row.object_key) {
        (Some(image), _) => Ok(Attached::Picture(image)),
        (None, Some(object_key)) => {
            let key = open_key(conn, keyring, id).await?;
            let mut message = one(conn, &key, id, seq).await?;
            let named = message.attachments.iter_mut().find(|attachment| attachment.place == place);
            let name = named.and_then(|attachment| attachment.name.take()).ok_or(ChatError::Unreadable)?;
            Ok(Attached::File { object_key, name })
        }
        (None, None) => Err(ChatError::NotFound("attachment")),
    }
}

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub id: ConversationId,
    pub last_seq: i64,
}

/// How far these conversations have come.
pub async fn progress(conn: &mut PgConnection, ids: &[ConversationId]) -> Result<Vec<Progress>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Progress,
        r#"SELECT id AS "id: ConversationId", last_seq FROM conversations WHERE id = ANY ($1)"#,
        &ids,
    )
    .fetch_all(conn)
    .await
}
