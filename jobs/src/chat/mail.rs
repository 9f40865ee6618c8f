//! Mail about messages that nobody has read. It says who has written, not what.

use market::chat::model::Conversation;
use market::emails::model::{Content, UnreadMessages};
use queue::JobTx;
use shared::ids::OrgId;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Tells those who trade for `org`, whose conversation this is, how many messages wait.
pub async fn unread(tx: &mut JobTx, org: OrgId, conversation: &Conversation) -> Result<(), MailError> {
    let content = Content::UnreadMessages(UnreadMessages {
        conversation: conversation.id,
        title: conversation.title.clone(),
        other: conversation.other_name.clone(),
        unread: conversation.unread,
    });
    let people = traders(tx, org).await?;
    let reference = format!("{}:{}", conversation.id, conversation.last_seq);
    Ok(post_to(tx, &people, &reference, &content).await?)
}
