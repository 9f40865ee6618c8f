use std::time::Duration;

use market::identity::store::{self, Erasure, ErasureError};
use queue::enqueue::{Enqueue, EnqueueError};
use queue::{Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::UserId;

use super::mail;
use crate::emails::MailError;
use crate::queues;

/// Erases a person who has asked for it, once it is due.
/// A second run goes on where the first one stopped, and does nothing when all is done or it was taken back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasePerson {
    pub user: UserId,
}

impl Job for ErasePerson {
    const KIND: Kind = Kind::new("privacy.erase");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_mins(1), Duration::from_hours(6)).max_attempts(20);
    const TIMEOUT: Duration = Duration::from_mins(10);

    fn unique(&self) -> Unique {
        Unique::while_open(self.user)
    }
}

/// Why an erasure was not asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Erasure(#[from] ErasureError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Has a person erased in so many days, and tells them so by mail. Asked again, nothing changes.
pub async fn ask_erasure(tx: &mut JobTx, user: UserId, days: u32) -> Result<Erasure, AskError> {
    let asked = store::ask_erasure(tx, user, days).await?;
    let _ = tx.enqueue_with(Enqueue::new(&ErasePerson { user }).run_at(asked.due_at)).await?;
    mail::erasure_asked(tx, user, asked.due_at).await?;
    Ok(asked)
}
