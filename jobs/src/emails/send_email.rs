use std::time::Duration;

use market::emails::model::{Content, NewEmail};
use market::emails::store::{self, EmailError, ToTraders};
use market::ids::EmailId;
use queue::enqueue::{Enqueue, EnqueueError};
use queue::{Job, JobTx, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::UserId;

use crate::auctions::mail::MOST_PER_ORG;
use crate::queues;

/// Sends one mail stored in `emails`.
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
    /// A mail server may be down for a weekend.
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(2), Duration::from_mins(30)).until_age(SendEmail::PATIENCE);
    /// Longer than a whole conversation with the server and recording its answer may take, so that an answer is not lost.
    const TIMEOUT: Duration = Duration::from_mins(5);

    fn unique(&self) -> Unique {
        Unique::while_open(self.email)
    }
}

impl SendEmail {
    /// How long sending a mail is tried.
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

/// Why an act's mails were not posted.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error("{0} is not there")]
    Missing(&'static str),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Stores a mail and enqueues the job that sends it, in the transaction that makes it true. `None`:
/// one with the same (template, recipient, reference) was posted before, and nothing is done.
pub async fn post(tx: &mut JobTx, mail: &NewEmail) -> Result<Option<EmailId>, PostError> {
    let Some(email) = store::insert(tx, mail).await? else {
        return Ok(None);
    };
    let _ = tx.enqueue_with(sending(email, &mail.content)).await?;
    Ok(Some(email))
}

/// [`post`] for the same mail to several people, in two statements. Those who already got it are
/// left out.
pub async fn post_to(tx: &mut JobTx, people: &[UserId], reference: &str, content: &Content) -> Result<(), PostError> {
    let posted = store::insert_for(tx, people, reference, content).await?;
    tx.enqueue_all(posted.into_iter().map(|email| sending(email, content)).collect()).await?;
    Ok(())
}

/// Stores mails for those who trade for organisations, in one statement, and returns the jobs that send them, each with the place of its
/// mail: their caller enqueues these with whatever else follows, in the same transaction.
pub async fn store_for_traders(
    tx: &mut JobTx,
    mails: &[ToTraders],
    most: i64,
) -> Result<Vec<(usize, Enqueue)>, PostError> {
    let stored = store::insert_for_traders(tx, mails, most).await?;
    Ok(stored.into_iter().map(|(email, place)| (place, sending(email, &mails[place].content))).collect())
}

/// [`store_for_traders`], with the jobs: two statements, however many organisations, and one when everybody has the mails already.
pub async fn post_to_traders(tx: &mut JobTx, mails: &[ToTraders]) -> Result<(), PostError> {
    let jobs = store_for_traders(tx, mails, MOST_PER_ORG).await?;
    if !jobs.is_empty() {
        tx.enqueue_all(jobs.into_iter().map(|(_, job)| job).collect()).await?;
    }
    Ok(())
}

fn sending(email: EmailId, content: &Content) -> Enqueue {
    // People are waiting for these.
    let priority = match content {
        Content::VerifyAddress(_)
        | Content::ResetPassword(_)
        | Content::AlreadyRegistered(_)
        | Content::Outbid(_)
        | Content::BidsLapsed(_)
        | Content::EndingSoon(_)
        | Content::Winning(_) => Priority::High,
        _ => Priority::Normal,
    };
    Enqueue::new(&SendEmail { email }).priority(priority)
}
