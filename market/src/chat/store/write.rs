//! Writing.

use shared::crypto::seal::Keyring;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::body::Body;
use super::{ChatError, Key, Written, lock, open_key, read};
use crate::chat::model::{FILE_TYPES, Message, NewAttachment, NewMessage};
use crate::chat::rules::{judge_message, judge_write};
use crate::ids::{ConversationId, ImageId};
use crate::images::model::UploadId;
use crate::images::store::{self as images, ImageError};
use crate::offers::model::Party;

/// A message that was written, now or before.
#[derive(Clone, Debug)]
pub struct Posted {
    pub message: Message,
    /// Who is written to.
    pub other: OrgId,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Writes a message; the same one again, by the same person, is the one that there is. Needs a transaction, and that the files it
/// carries have arrived.
pub async fn post(
    conn: &mut PgConnection,
    keyring: &Keyring,
    by: Party,
    id: ConversationId,
    new: &NewMessage<'_>,
) -> Result<Posted, ChatError> {
    judge_message(new)?;
    let locked = lock(conn, by.org, id).await?;
    let key = open_key(conn, keyring, id).await?;
    if let Some(message) = written_before(conn, &key, by, id, new).await? {
        return Ok(Posted { message, other: locked.other, is_new: false });
    }
    judge_write(locked.blocks)?;
    let seq = locked.last_seq + 1;
    let written = Written { conversation: id, seq, org: by.org, sender: by.user };
    let sealed = Body::of(new).seal(&key, &written.place(key.version))?;
    sqlx::query!("UPDATE conversations SET last_seq = $2 WHERE id = $1", id.0, seq).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO chat_messages (conversation_id, seq, org_id, sender_id, client_id, key_version, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        seq,
        by.org.0,
        by.user.0,
        new.client.0,
        key.version,
        sealed,
    )
    .execute(&mut *conn)
    .await?;
    attach(conn, by.org, id, seq, new.attachments).await?;
    tell_parties(conn, by.org, id, seq).await?;
    let message = read::one(conn, &key, id, seq).await?;
    Ok(Posted { message, other: locked.other, is_new: true })
}

/// The message that the same person has sent with this id of the client's.
async fn written_before(
    conn: &mut PgConnection,
    key: &Key,
    by: Party,
    id: ConversationId,
    new: &NewMessage<'_>,
) -> Result<Option<Message>, ChatError> {
    let seq = sqlx::query_scalar!(
        "SELECT seq FROM chat_messages WHERE conversation_id = $1 AND sender_id = $2 AND client_id = $3",
        id.0,
        by.user.0,
        new.client.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(seq) = seq else { return Ok(None) };
    let message = read::one(conn, key, id, seq).await?;
    // A picture may have been deleted since.
    let is_same =
        message.org_id == by.org && message.text == new.text && message.attachments.len() == new.attachments.len();
    if is_same { Ok(Some(message)) } else { Err(ChatError::ClientIdReused) }
}

/// Notes the message with both parties: it is unread by the other one, and whoever writes has read.
async fn tell_parties(conn: &mut PgConnection, org: OrgId, id: ConversationId, seq: i64) -> Result<(), ChatError> {
    sqlx::query!(
        "SELECT FROM conversation_parties WHERE conversation_id = $1 ORDER BY org_id FOR NO KEY UPDATE",
        id.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let told = sqlx::query!(
        "UPDATE conversation_parties AS p
         SET last_at = m.created_at,
             archived_at = NULL,
             read_seq = CASE WHEN p.org_id = m.org_id THEN m.seq ELSE p.read_seq END,
             unread_since = CASE WHEN p.org_id = m.org_id THEN NULL ELSE coalesce(p.unread_since, m.created_at) END
         FROM chat_messages AS m
         WHERE p.conversation_id = $1
           AND m.conversation_id = $1
           AND m.seq = $2
           AND m.org_id = $3",
        id.0,
        seq,
        org.0,
    )
    .execute(conn)
    .await?;
    debug_assert_eq!(told.rows_affected(), 2);
    Ok(())
}

async fn attach(
    conn: &mut PgConnection,
    org: OrgId,
    id: ConversationId,
    seq: i64,
    attachments: &[NewAttachment],
) -> Result<(), ChatError> {
    for (place, attachment) in (1_i16..).zip(attachments) {
        let at = place - 1;
        let (image, upload) = match attachment {
            NewAttachment::Picture(image) => {
                own_picture(conn, org, *image, at).await?;
                (Some(image.0), None)
            }
            NewAttachment::File { upload, .. } => {
                keep_file(conn, org, *upload, at).await?;
                (None, Some(upload.0))
            }
        };
        sqlx::query!(
            "INSERT INTO chat_attachments (conversation_id, seq, place, image_id, upload_id) VALUES ($1, $2, $3, $4, $5)",
            id.0,
            seq,
            place,
            image,
            upload,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Refuses pictures of others, and those of a listing, which are not only the conversation's.
async fn own_picture(conn: &mut PgConnection, org: OrgId, image: ImageId, at: i16) -> Result<(), ChatError> {
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT
               FROM images
               WHERE id = $1
                 AND org_id = $2
                 AND listing_id IS NULL
                 AND status NOT IN ('rejected', 'deleting')
           ) AS "own!""#,
        image.0,
        org.0,
    )
    .fetch_one(conn)
    .await?;
    if own {
        return Ok(());
    }
    let pointer = format!("/attachments/{at}/image_id");
    Err(Invalid::new(pointer, "the organisation has no such picture that belongs to no listing").into())
}

/// Keeps a file from being purged, if it is the organisation's and of a type that messages carry.
async fn keep_file(conn: &mut PgConnection, org: OrgId, id: UploadId, at: i16) -> Result<(), ChatError> {
    let upload = match images::lock_upload(conn, id).await {
        Ok(upload) if upload.org == org && FILE_TYPES.contains(&upload.content_type.as_str()) => upload,
        Ok(_) | Err(ImageError::NoSuchUpload(_)) => {
            let pointer = format!("/attachments/{at}/upload_id");
            return Err(Invalid::new(pointer, "the organisation has announced no such file").into());
        }
        Err(error) => return Err(error.into()),
    };
    Ok(images::keep_upload(conn, upload.id).await?)
}
