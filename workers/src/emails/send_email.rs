use std::time::Duration;

use anyhow::Context as _;
use chrono_tz::Tz;
use jobs::emails::SendEmail;
use market::emails::model::{Content, Email, Recipient, Status, SuppressionReason};
use market::emails::rules::is_given_up;
use market::emails::store::{self, EmailError};
use market::identity::{Locale, OrgStatus, UserStatus, store as identity};
use market::invoices::store as invoices;
use market::reports::store::{self as reports, ReportError};
use market::search::store::saved;
use queue::{Handler, NotWanted, Outcome};
use secrecy::SecretString;
use serde_json::json;
use shared::blobs::Disposition;

use super::formats::one_line;
use super::{Link, Message, Reader, SendError, message_id};
use crate::auctions::after;
use crate::{Cx, Services};

/// How long the token of `identity::mint_email_verification` works.
const VERIFICATION_VALID: Duration = Duration::from_hours(48);
/// How long the token of `identity::mint_password_reset` works.
const RESET_VALID: Duration = Duration::from_hours(1);
/// How long a download link in a mail works.
const DOWNLOAD_VALID: Duration = Duration::from_hours(24);

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
        if email.in_doubt && content.at_most_once() {
            drop(conn);
            return give_up(cx, &email, Status::Failed, "it may have been sent, and must not arrive twice").await;
        }
        let (reader, address) = match addressee(&email, content) {
            Addressee::Reads(reader, address) => (reader, address),
            Addressee::Nobody(why) => {
                drop(conn);
                return give_up(cx, &email, Status::Failed, why).await;
            }
        };
        if email.is_suppressed {
            drop(conn);
            return give_up(cx, &email, Status::Suppressed, "the address is on the suppression list").await;
        }
        // Who can do without the mail, and how they end mails of its kind. They may have done so since it was posted.
        let category = content.category().zip(email.person.as_ref());
        if category.is_some_and(|(category, person)| !person.wants(category)) {
            drop(conn);
            return give_up(cx, &email, Status::Unwanted, "the recipient does not want mails of this kind").await;
        }
        // By the database's clock, like everything that says when. The mail's age goes on, but a night is shorter than its patience.
        let quiet_until = email.person.as_ref().and_then(|person| person.quiet_until(email.now));
        if let Some(until) = quiet_until.filter(|_| content.can_wait()) {
            return Ok(after(until - email.now));
        }
        // Commits a token: the link must work when the mail arrives, even if we die before we know
        // that it was taken.
        let link = match link(cx, &mut conn, content, &email.recipient, &address).await? {
            Made::Link(link) => link,
            Made::Pointless(why) => {
                drop(conn);
                return give_up(cx, &email, Status::Failed, why).await;
            }
        };
        let ending = category.and_then(|(category, person)| Some((category, person.unsubscribe_token(category)?)));
        let ending = ending.as_ref().map(|(category, token)| (*category, token));
        let body = cx.renderer.render(content, &link, &reader, ending)?;
        let mailer = cx.mailer.as_ref().context("SMTP_URL is not set here")?;
        match store::begin_attempt(&mut conn, email.id).await {
            Ok(()) => {}
            Err(EmailError::Finished(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        }
        // The server may take its time, and others need the connection.
        drop(conn);
        let message_id = message_id(content.template(), &email.recipient, &email.reference, mailer.domain());
        let message = Message { to_name: &reader.name, to_address: &address, message_id, body: &body };
        match mailer.send(&message).await {
            Ok(said) => record(cx, &email, &address, &said).await,
            Err(error) => failed(cx, &email, &address, &error).await,
        }
    }
}

enum Addressee {
    Reads(Reader, String),
    Nobody(&'static str),
}

/// Who reads the mail, and at which address. Suspended people only get the news of their
/// suspension. Nobody is addressed by name before they have verified the address: until then the
/// name may have been written by a stranger who registered somebody else's address.
fn addressee(email: &Email, content: &Content) -> Addressee {
    let stranger = |locale| Reader { name: String::new(), zone: Tz::UTC, locale };
    match (&email.person, &email.recipient) {
        (Some(person), _) if person.status == UserStatus::Suspended && !content.reaches_suspended() => {
            Addressee::Nobody("the user is suspended")
        }
        (Some(person), _) if person.is_verified => {
            let zone = person.time_zone.parse().unwrap_or(Tz::UTC);
            let reader = Reader { name: one_line(&person.name), zone, locale: person.locale.clone() };
            Addressee::Reads(reader, person.address.clone())
        }
        (Some(person), _) => Addressee::Reads(stranger(person.locale.clone()), person.address.clone()),
        (None, Recipient::Address(address)) => Addressee::Reads(stranger(Locale::default()), address.clone()),
        (None, Recipient::User(_)) => Addressee::Nobody("the user is gone"),
    }
}

enum Made {
    Link(Link),
    /// The mail has become pointless, for this reason.
    Pointless(&'static str),
}

/// Makes the link that grants something, if the mail has one.
async fn link(
    cx: &Cx,
    conn: &mut sqlx::PgConnection,
    content: &Content,
    recipient: &Recipient,
    address: &str,
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
        (Content::ResetPassword(_) | Content::AlreadyRegistered(_), _) => {
            let minted = identity::mint_password_reset(conn, address).await.context("make the token")?;
            let Some(token) = minted else {
                return Ok(Made::Pointless("nobody is registered with this address"));
            };
            let valid_until = cx.clock().now() + RESET_VALID;
            Ok(Made::Link(Link::Reset { token: SecretString::from(token), valid_until }))
        }
        (Content::Invitation(it), _) => {
            let minted = identity::mint_invitation(conn, it.invitation).await.context("make the token")?;
            let Some((token, valid_until)) = minted else {
                return Ok(Made::Pointless("the invitation is answered or taken back"));
            };
            Ok(Made::Link(Link::Invitation { token: SecretString::from(token), valid_until }))
        }
        (Content::ReportReady(it), _) => {
            let report = match reports::get(conn, it.report).await {
                Ok(report) => report,
                Err(ReportError::NotFound(_)) => return Ok(Made::Pointless("the report is gone")),
                Err(error) => return Err(error.into()),
            };
            let org = identity::org(conn, report.org).await.context("read the organisation")?;
            if org.is_none_or(|org| org.status == OrgStatus::Suspended) {
                return Ok(Made::Pointless("the organisation is suspended"));
            }
            let Some(key) = &report.object_key else {
                return Ok(Made::Pointless("the report's file is gone"));
            };
            let name = Disposition::Attachment(report.file_name());
            let url = cx.blobs.presign_get(key, &name, DOWNLOAD_VALID).await?;
            let valid_until = cx.clock().now() + DOWNLOAD_VALID;
            Ok(Made::Link(Link::Download { url: SecretString::from(url), valid_until }))
        }
        (Content::InvoiceReady(it), _) => {
            let Some(file) = invoices::file(conn, it.invoice).await.context("read the file of the invoice")? else {
                return Ok(Made::Pointless("the invoice has no file"));
            };
            let name = Disposition::Attachment(file.name());
            let url = cx.blobs.presign_get(&file.object_key, &name, DOWNLOAD_VALID).await?;
            let valid_until = cx.clock().now() + DOWNLOAD_VALID;
            Ok(Made::Link(Link::Download { url: SecretString::from(url), valid_until }))
        }
        (Content::SavedSearchDigest(it), _) if !saved::alerts(conn, it.search).await.context("read the search")? => {
            Ok(Made::Pointless("the search is deleted, or its alerts are off"))
        }
        _ => Ok(Made::Link(Link::None)),
    }
}

/// Records that the server took the mail, repeatedly if need be: a database that restarts between
/// the server's 250 and our commit must not cause a second mail.
async fn record(cx: &Cx, email: &Email, address: &str, said: &str) -> anyhow::Result<Outcome> {
    // A later attempt finds the mail sent, so that the job's success need not be in the same transaction.
    let recorded = cx.record_after_effect(json!({ "sent": true }), |mut conn| async move {
        match store::finish_sent(&mut conn, email.id, address, said).await {
            Ok(()) => Ok(()),
            Err(EmailError::Finished(_)) => Err(NotWanted.into()),
            Err(error) => Err(error.into()),
        }
    });
    match recorded.await {
        // Somebody has ended it meanwhile, or we have, and were not answered.
        Err(error) if error.is::<NotWanted>() => Ok(Outcome::Done),
        recorded => recorded,
    }
}

/// Ends a mail that is not to be sent.
async fn give_up(cx: &Cx, email: &Email, status: Status, why: &str) -> anyhow::Result<Outcome> {
    let mut tx = cx.begin().await?;
    store::finish(&mut tx, email.id, status, why).await?;
    cx.commit_with(tx, json!({ "sent": false, "reason": why })).await
}

/// Records why the server refused the mail. Its words, which may quote the address, go only into
/// the mail's own row.
async fn failed(cx: &Cx, email: &Email, address: &str, error: &SendError) -> anyhow::Result<Outcome> {
    let words = &error.reply().words;
    let mut tx = cx.begin().await?;
    let outcome = match error {
        SendError::Temporary(_) => {
            store::note_response(&mut tx, email.id, words, error.reply().in_doubt).await?;
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
