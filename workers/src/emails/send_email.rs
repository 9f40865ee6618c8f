use std::time::Duration;

use anyhow::Context as _;
use backon::{ExponentialBuilder, Retryable as _};
use chrono_tz::Tz;
use jobs::emails::SendEmail;
use market::emails::model::{Content, Email, Recipient, Status, SuppressionReason};
use market::emails::rules::is_given_up;
use market::emails::store::{self, EmailError};
use market::identity::store as identity;
use market::reports::store::{self as reports, ReportError};
use queue::{Handler, Outcome, StaleAttempt};
use secrecy::SecretString;
use serde_json::json;
use shared::blobs::Disposition;

use super::{Link, Message, Reader, SendError, message_id};
use crate::{Cx, Services};

/// How long the token of `identity::mint_email_verification` works.
const VERIFICATION_VALID: Duration = Duration::from_hours(48);
/// How long a download link in a mail works.
const DOWNLOAD_VALID: Duration = Duration::from_hours(24);
/// How long it is tried to record that a mail was taken.
pub(super) const RECORD: Duration = Duration::from_secs(30);

impl Handler<Services> for SendEmail {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let email = match store::get(&mut conn, self.email).await {
            Ok(email) => email,
            Err(EmailError::NotFound(_)) => return Ok(Outcome::Cancel("the mail is gone".to_owned())),
            Err(error) => return Err(error.into()),
        };
        if email.status != Status::Queued {
            return Ok(Outcome::Done);
        }
        let Some(content) = &email.content else {
            return Ok(Outcome::Dead("this version of the program cannot read the mail's data".to_owned()));
        };
        let Some((reader, address)) = reader(&mut conn, &email.recipient).await? else {
            drop(conn);
            return give_up(cx, &email, Status::Failed, "the user is gone").await;
        };
        if store::is_suppressed(&mut conn, &address).await? {
            drop(conn);
            return give_up(cx, &email, Status::Suppressed, "the address is on the suppression list").await;
        }
        // Commits a token: a link must work when its mail arrives, also when we die before we hear that it did.
        let link = match link(cx, &mut conn, content, &email.recipient).await? {
            Made::Link(link) => link,
            Made::Pointless(why) => {
                drop(conn);
                return give_up(cx, &email, Status::Failed, why).await;
            }
        };
        let body = cx.renderer.render(content, &link, &reader)?;
        match store::begin_attempt(&mut conn, email.id).await {
            Ok(()) => {}
            Err(EmailError::Finished(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        }
        // The server may take its time: others need the connection.
        drop(conn);
        let message_id = message_id(content.template(), &email.recipient, &email.reference, cx.mailer.domain());
        let message = Message { to_name: &reader.name, to_address: &address, message_id, body: &body };
        match cx.mailer.send(&message).await {
            Ok(said) => record(cx, &email, &address, &said).await,
            Err(error) => failed(cx, &email, &address, &error).await,
        }
    }
}

/// Who reads the mail, and where; `None` when the user is gone.
async fn reader(conn: &mut sqlx::PgConnection, recipient: &Recipient) -> anyhow::Result<Option<(Reader, String)>> {
    Ok(match recipient {
        Recipient::Address(address) => Some((Reader { name: String::new(), zone: Tz::UTC }, address.clone())),
        Recipient::User(user) => identity::profile(conn, *user).await.context("read the recipient")?.map(|profile| {
            let zone = profile.time_zone.parse().unwrap_or(Tz::UTC);
            (Reader { name: profile.name, zone }, profile.email)
        }),
    })
}

enum Made {
    Link(Link),
    /// There is nothing left to tell.
    Pointless(&'static str),
}

/// Makes the link that grants something, if the mail has one.
async fn link(
    cx: &Cx,
    conn: &mut sqlx::PgConnection,
    content: &Content,
    recipient: &Recipient,
) -> anyhow::Result<Made> {
    match (content, recipient) {
        (Content::VerifyAddress(_), Recipient::User(user)) => {
            let minted = identity::mint_email_verification(conn, *user).await.context("make the token")?;
            let Some((_, token)) = minted else {
                return Ok(Made::Pointless("the address is verified already"));
            };
            let valid_until = cx.clock().now() + VERIFICATION_VALID;
            Ok(Made::Link(Link::Verify { token: SecretString::from(token), valid_until }))
        }
        (Content::VerifyAddress(_), Recipient::Address(_)) => Ok(Made::Pointless("only a user's address is verified")),
        (Content::ReportReady(it), _) => {
            let report = match reports::get(conn, it.report).await {
                Ok(report) => report,
                Err(ReportError::NotFound(_)) => return Ok(Made::Pointless("the report is gone")),
                Err(error) => return Err(error.into()),
            };
            let Some(key) = &report.object_key else {
                return Ok(Made::Pointless("the report's file is gone"));
            };
            let name = Disposition::Attachment(report.file_name());
            let url = cx.blobs.presign_get(key, &name, DOWNLOAD_VALID).await?;
            let valid_until = cx.clock().now() + DOWNLOAD_VALID;
            Ok(Made::Link(Link::Download { url: SecretString::from(url), valid_until }))
        }
        _ => Ok(Made::Link(Link::None)),
    }
}

/// Writes down that the server took the mail, and repeats that: a database that restarts between the server's 250 and our commit
/// must not cost a second mail. Ends when the job's lease does, at the latest.
async fn record(cx: &Cx, email: &Email, address: &str, said: &str) -> anyhow::Result<Outcome> {
    let attempt = || async {
        let mut tx = cx.begin().await?;
        match store::finish_sent(&mut tx, email.id, address, said).await {
            Ok(()) => cx.commit_with(tx, json!({ "sent": true })).await,
            // The answer to an earlier commit was lost.
            Err(EmailError::Finished(_)) => Ok(Outcome::Done),
            Err(error) => Err(error.into()),
        }
    };
    let policy = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(RECORD));
    attempt
        .retry(policy)
        .when(|error: &anyhow::Error| !error.is::<StaleAttempt>())
        .notify(|error, _| {
            tracing::warn!(error = format!("{error:#}"), "the mail was taken and that cannot be recorded yet");
        })
        .await
}

/// Ends a mail that is not to be sent.
async fn give_up(cx: &Cx, email: &Email, status: Status, why: &str) -> anyhow::Result<Outcome> {
    let mut tx = cx.begin().await?;
    store::finish(&mut tx, email.id, status, why).await?;
    cx.commit_with(tx, json!({ "sent": false, "reason": why })).await
}

/// Records what the server had against the mail. Its words, which may quote the address, stay in the mail's own row.
async fn failed(cx: &Cx, email: &Email, address: &str, error: &SendError) -> anyhow::Result<Outcome> {
    let words = &error.reply().words;
    let mut tx = cx.begin().await?;
    let outcome = match error {
        SendError::Temporary(_) => {
            store::note_response(&mut tx, email.id, words).await?;
            Outcome::Retry(error.to_string())
        }
        SendError::NoSuchMailbox(_) => {
            store::suppress(&mut tx, address, SuppressionReason::Refused, words, Some(email.id)).await?;
            store::finish(&mut tx, email.id, Status::Failed, words).await?;
            Outcome::Dead(format!("{error}; the address is not written to any more"))
        }
        SendError::RecipientRefused(_) => {
            store::finish(&mut tx, email.id, Status::Failed, words).await?;
            let refusals = store::note_refusal(&mut tx, address, words).await?;
            let since = refusals.first_at.format("%Y-%m-%d");
            if is_given_up(&refusals) {
                store::suppress(&mut tx, address, SuppressionReason::Refused, words, Some(email.id)).await?;
                let number = refusals.refusals;
                Outcome::Dead(format!("{error}; refused {number} times since {since}, it is not written to any more"))
            } else {
                Outcome::Dead(format!("{error}, for the {}. time since {since}", refusals.refusals))
            }
        }
        SendError::Refused(_) => {
            store::finish(&mut tx, email.id, Status::Failed, words).await?;
            Outcome::Dead(error.to_string())
        }
    };
    tx.commit().await?;
    Ok(outcome)
}

#[cfg(test)]
mod tests;
