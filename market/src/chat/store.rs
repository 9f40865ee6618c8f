//! SQL for conversations, and what seals and opens their texts.
//!
//! Whoever writes locks the conversation, which numbers its messages, then both parties by id. Whoever reads, or puts away, locks the own
//! party alone. Keys are read without a lock: while a master key is replaced, the key that is read is sealed with either.
//!
//! # How to get this wrong
//! - Sealing before the conversation is locked: the number belongs to what is authenticated, and another message may get it.
//! - Keeping what was written anywhere else: in an answer to an `Idempotency-Key`, a job, a mail, the audit log. The client's own id
//!   of each message is its key.

mod begin;
mod body;
mod marks;
mod read;
mod reports;
mod reseal;
mod unread;
mod write;

use shared::crypto::seal::{DataKey, Keyring, Place, SealError};
use shared::ids::{OrgId, UserId};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};
use sqlx::PgConnection;

use super::rules::{BeginRefusal, Blocks, WriteRefusal};
use crate::ids::ConversationId;
use crate::images::store::ImageError;

pub use begin::begin;
pub use marks::{archive, block, mark_read, unarchive, unblock};
pub use read::{Attached, Progress, after, attachment, before, conversation, news, page, progress};
pub use reports::{decide, open_report, report, reports};
pub use reseal::{KeyUse, key_use, reseal};
pub use unread::{MailCheck, check_mail, inboxes, to_mail};
pub use write::{Posted, post};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    Begin(#[from] BeginRefusal),
    #[error(transparent)]
    Write(#[from] WriteRefusal),
    #[error("this client_id is that of a message with other contents")]
    ClientIdReused,
    #[error("the organisation has reported this message before")]
    Reported,
    #[error("nobody reports a message of the own organisation")]
    OwnMessage,
    #[error("the report is decided")]
    Decided,
    #[error("nobody decides about an organisation of their own")]
    Own,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("a conversation's texts")]
    Seal(#[from] SealError),
    /// It opens, and is not what this program writes.
    #[error("a message is not one")]
    Unreadable,
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("conversations_per_day", "", "the organisation has begun 300 conversations within a day"),
    ("chat_messages_per_day", "", "the organisation has written 5000 messages within a day"),
    ("chat_reports_per_day", "", "the organisation has reported 100 messages within a day"),
    ("conversations_seq_range", "", "the conversation is full"),
];

impl From<sqlx::Error> for ChatError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("chat_reports_once") {
            return Self::Reported;
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

impl From<ImageError> for ChatError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::NoSuchUpload(_) => Self::NotFound("upload"),
            ImageError::Sql(error) => error.into(),
            _ => Self::NotFound("image"),
        }
    }
}

/// What a conversation's key is sealed for.
fn key_place(conversation: ConversationId, version: i32) -> Place {
    Place::new("conversation_keys", &[&conversation, &version])
}

/// Who has written what, as far as it is authenticated.
#[derive(Clone, Copy, Debug)]
struct Written {
    conversation: ConversationId,
    seq: i64,
    org: OrgId,
    sender: UserId,
}

impl Written {
    /// What it is sealed for, with this version of the key.
    fn place(self, version: i32) -> Place {
        Place::new("chat_messages", &[&self.conversation, &self.seq, &self.org, &self.sender, &version])
    }
}

/// A conversation's key, and its version.
struct Key {
    version: i32,
    key: DataKey,
}

/// Makes the key of a new conversation.
async fn make_key(conn: &mut PgConnection, keyring: &Keyring, id: ConversationId) -> Result<(), ChatError> {
    let (_, sealed) = keyring.make_data_key(&key_place(id, 1))?;
    sqlx::query!("INSERT INTO conversation_keys (conversation_id, version, sealed) VALUES ($1, 1, $2)", id.0, sealed)
        .execute(conn)
        .await?;
    Ok(())
}

/// Opens the key of a conversation.
async fn open_key(conn: &mut PgConnection, keyring: &Keyring, id: ConversationId) -> Result<Key, ChatError> {
    let row = sqlx::query!("SELECT version, sealed FROM conversation_keys WHERE conversation_id = $1", id.0)
        .fetch_optional(conn)
        .await?
        .ok_or(ChatError::NotFound("conversation"))?;
    let key = keyring.open_data_key(&key_place(id, row.version), &row.sealed)?;
    Ok(Key { version: row.version, key })
}

/// A conversation under its lock, as one of its parties has it.
struct Locked {
    other: OrgId,
    last_seq: i64,
    blocks: Blocks,
}

/// Locks a conversation of which `org` is a party.
async fn lock(conn: &mut PgConnection, org: OrgId, id: ConversationId) -> Result<Locked, ChatError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM conversations WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT other.org_id AS "other: OrgId", c.last_seq,
                  EXISTS (SELECT FROM chat_blocks WHERE org_id = $2 AND blocked_org_id = other.org_id) AS "by_writer!",
                  EXISTS (SELECT FROM chat_blocks WHERE org_id = other.org_id AND blocked_org_id = $2) AS "by_other!"
           FROM conversations AS c
           JOIN conversation_parties AS other ON other.conversation_id = c.id AND other.org_id <> $2
           WHERE c.id = $1
             AND $2 IN (c.buyer_org_id, c.seller_org_id)"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ChatError::NotFound("conversation"))?;
    let blocks = Blocks { by_writer: row.by_writer, by_other: row.by_other };
    Ok(Locked { other: row.other, last_seq: row.last_seq, blocks })
}

#[cfg(test)]
mod tests;
