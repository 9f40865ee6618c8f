//! Writing, with the job that looks whether somebody reads it.

use market::chat::model::{About, NewMessage};
use market::chat::rules::UNREAD_TERM;
use market::chat::store::{self, ChatError, Posted};
use market::ids::ConversationId;
use market::offers::model::Party;
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};
use shared::crypto::seal::Keyring;

use super::NotifyUnread;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Chat(#[from] ChatError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Writes about something, in the conversation that there is about it or in a new one.
pub async fn begin(
    tx: &mut JobTx,
    keyring: &Keyring,
    by: Party,
    about: About,
    new: &NewMessage<'_>,
) -> Result<(ConversationId, Posted), WriteError> {
    let (id, posted) = store::begin(tx, keyring, by, about, new).await?;
    await_reading(tx, id, &posted).await?;
    Ok((id, posted))
}

/// Writes a message.
pub async fn post(
    tx: &mut JobTx,
    keyring: &Keyring,
    by: Party,
    id: ConversationId,
    new: &NewMessage<'_>,
) -> Result<Posted, WriteError> {
    let posted = store::post(tx, keyring, by, id, new).await?;
    await_reading(tx, id, &posted).await?;
    Ok(posted)
}

/// Enqueues the job that looks whether a new message was read; one that is open already looks at all of them.
async fn await_reading(tx: &mut JobTx, id: ConversationId, posted: &Posted) -> Result<(), EnqueueError> {
    if posted.is_new {
        let job = NotifyUnread { conversation: id, org: posted.other };
        let _ = tx.enqueue_with(Enqueue::new(&job).run_at(posted.message.sent_at + UNREAD_TERM)).await?;
    }
    Ok(())
}
