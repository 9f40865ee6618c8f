//! Who may write what to whom, and when somebody hears of it by mail.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::invalid::Invalid;

use super::model::NewMessage;

/// The most characters of a message.
pub const MOST_TEXT: usize = 4_000;
/// The most pictures and files of a message.
pub const MOST_ATTACHMENTS: usize = 10;
/// The most characters of a file's name.
pub const MOST_NAME: usize = 255;
/// The most characters of a note to the moderators.
pub const MOST_NOTE: usize = 1_000;
/// How long a message may be unread before a mail tells of it.
pub const UNREAD_TERM: TimeDelta = TimeDelta::minutes(15);
/// How many messages before the reported one a moderator reads.
pub const CONTEXT: i64 = 5;

/// Why a conversation about a listing is not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginRefusal {
    #[error("the listing is not on offer any more")]
    NotOnOffer,
    #[error("an organisation does not write to itself")]
    OwnListing,
}

/// A listing, as far as conversations are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    pub lister: OrgId,
    pub published: bool,
}

/// Whether `org` may begin to write about a listing that it sees.
pub fn judge_begin(listed: Listed, org: OrgId) -> Result<(), BeginRefusal> {
    if listed.lister == org {
        return Err(BeginRefusal::OwnListing);
    }
    if listed.published { Ok(()) } else { Err(BeginRefusal::NotOnOffer) }
}

/// Which of two organisations takes no messages from the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The one that wants to write does not.
    pub by_writer: bool,
    /// The other one does not.
    pub by_other: bool,
}

/// Why nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteRefusal {
    #[error("your organisation takes no messages from the other one: unblock it first")]
    Blocking,
    #[error("the other organisation takes no messages from yours")]
    Blocked,
}

/// Whether the writer may write.
pub const fn judge_write(blocks: Blocks) -> Result<(), WriteRefusal> {
    match blocks {
        Blocks { by_writer: true, .. } => Err(WriteRefusal::Blocking),
        Blocks { by_other: true, .. } => Err(WriteRefusal::Blocked),
        Blocks { by_writer: false, by_other: false } => Ok(()),
    }
}

/// Whether a message says something, and not too much.
pub fn judge_message(new: &NewMessage<'_>) -> Result<(), Invalid> {
    if new.text.chars().count() > MOST_TEXT {
        return Err(Invalid::new("/text", format!("must have at most {MOST_TEXT} characters")));
    }
    if new.text.is_empty() && new.attachments.is_empty() {
        return Err(Invalid::new("/text", "must say something, or the message carry something"));
    }
    if new.attachments.len() > MOST_ATTACHMENTS {
        return Err(Invalid::new("/attachments", format!("must be at most {MOST_ATTACHMENTS}")));
    }
    for (at, attachment) in new.attachments.iter().enumerate() {
        if attachment.name().is_some_and(|name| !(1..=MOST_NAME).contains(&name.chars().count())) {
            let pointer = format!("/attachments/{at}/name");
            return Err(Invalid::new(pointer, format!("must have 1 to {MOST_NAME} characters")));
        }
    }
    Ok(())
}

/// Whether a note to the moderators can be kept.
pub fn judge_note(note: &str) -> Result<(), Invalid> {
    if (1..=MOST_NOTE).contains(&note.chars().count()) {
        return Ok(());
    }
    Err(Invalid::new("/note", format!("must have 1 to {MOST_NOTE} characters")))
}

/// Whether a message of this number can be marked as read.
pub fn judge_mark(seq: i64, last: i64) -> Result<(), Invalid> {
    if (1..=last).contains(&seq) {
        return Ok(());
    }
    Err(Invalid::new("/seq", format!("there are messages 1 to {last}")))
}

/// What one organisation has not read of a conversation, by the database's clock.
#[derive(Clone, Copy, Debug)]
pub struct Unread {
    /// When the oldest such message came.
    pub since: Option<DateTime<Utc>>,
    pub read: Option<i64>,
    /// The last message that there was when a mail told of unread ones.
    pub mailed: Option<i64>,
    pub now: DateTime<Utc>,
}

/// Whether a mail tells of what is unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDue {
    Now,
    /// Not before this.
    At(DateTime<Utc>),
    /// There is nothing unread, or a mail has told and nobody has read anything since.
    Never,
}

/// One mail, 15 minutes after the first message that nobody reads; the next one only when somebody has read something since.
pub fn judge_mail(unread: Unread) -> MailDue {
    let Some(since) = unread.since else { return MailDue::Never };
    if unread.mailed.is_some_and(|mailed| unread.read.is_none_or(|read| read < mailed)) {
        return MailDue::Never;
    }
    let due = since + UNREAD_TERM;
    if due <= unread.now { MailDue::Now } else { MailDue::At(due) }
}

#[cfg(test)]
mod tests;
