use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::emails::model::{Content, NewEmail};
use shared::emails::store::{self, EmailError};
use shared::ids::EmailId;

use crate::kit::enqueue::{Enqueue, EnqueueError};
use crate::kit::{Job, JobTx, Kind, Priority, Queue, Retry, Unique};
use crate::queues;

/// Sends one mail that is written down in `emails`.
/// A second run finds it sent and does nothing; only a crash between the server's 250 and our commit sends a second copy, under
/// the same Message-ID.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendEmail {
    pub email: EmailId,
}

impl Job for SendEmail {
    const KIND: Kind = Kind::new("emails.send");
    const QUEUE: Queue = queues::EMAILS;
    /// A mail server may be away for a weekend.
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(2), Duration::from_mins(30)).until_age(SendEmail::PATIENCE);
    /// Longer than all of the SMTP commands may take, so that an answer on its way is not lost.
    const TIMEOUT: Duration = Duration::from_mins(4);

    fn unique(&self) -> Unique {
        Unique::while_open(self.email)
    }
}

impl SendEmail {
    /// How long a mail is tried.
    pub const PATIENCE: Duration = Duration::from_hours(72);
}

/// Why a mail was not posted.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error(transparent)]
    Email(#[from] EmailError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Writes a mail down and enqueues its sending, in the transaction of the news it tells. `None`: the same (template, recipient,
/// reference) was posted before, and nothing is done.
pub async fn post(tx: &mut JobTx, mail: &NewEmail) -> Result<Option<EmailId>, PostError> {
    let Some(email) = store::insert(tx, mail).await? else {
        return Ok(None);
    };
    // People wait in front of these.
    let priority = match mail.content {
        Content::VerifyAddress(_) | Content::Outbid(_) | Content::EndingSoon(_) => Priority::High,
        _ => Priority::Normal,
    };
    let _ = tx.enqueue_with(Enqueue::new(&SendEmail { email }).priority(priority)).await?;
    Ok(Some(email))
}
