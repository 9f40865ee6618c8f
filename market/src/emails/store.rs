//! Statements on `emails`, `email_refusals`, `email_suppressions` and, in [`preferences`], `email_opt_outs` and `notice_opt_outs`.
//!
//! Where a mail's id is known its status is compared as `(status = 'queued') IS TRUE`: the index of mails that wait has the plain
//! comparison, and a plan of before there were any would read it from end to end.

pub mod preferences;
mod traders;
mod without;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::audit::{self, Actor};
use shared::ids::UserId;
use sqlx::PgConnection;

use super::model::{
    Content, Email, EmailCategory, NewEmail, Person, QuietHours, Recipient, Refusals, RefusedAddress, Status,
    SuppressionReason,
};
use crate::identity::UserStatus;
use crate::ids::EmailId;

pub use traders::{ToTraders, insert_for_traders};
pub use without::without;

/// The most characters kept of a mail server's response.
const MAX_RESPONSE: usize = 1000;

/// Why a mail was not stored or not found.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    #[error("email {0} does not exist")]
    NotFound(EmailId),
    /// It has already been sent or given up.
    #[error("email {0} is already finished")]
    Finished(EmailId),
    #[error("the mail's data does not serialise")]
    Data(#[from] serde_json::Error),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Stores a mail unless one with the same (template, recipient, reference) exists. `None`: it does,
/// and there is nothing to do.
pub async fn insert(conn: &mut PgConnection, mail: &NewEmail) -> Result<Option<EmailId>, EmailError> {
    let id = EmailId::generate();
    let (user, address) = match &mail.recipient {
        Recipient::User(user) => (Some(user.0), None),
        Recipient::Address(address) => (None, Some(address.trim().to_lowercase())),
    };
    let data = data(&mail.content)?;
    let inserted = sqlx::query!(
        r#"
        INSERT INTO emails (id, template, user_id, address, reference, data)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT ON CONSTRAINT emails_once DO NOTHING
        "#,
        id.0,
        mail.content.template(),
        user,
        address,
        mail.reference,
        data,
    )
    .execute(conn)
    .await?;
    Ok((inserted.rows_affected() == 1).then_some(id))
}

/// Stores the same mail for several users, in one statement. Those who already have it are left
/// out.
pub async fn insert_for(
    conn: &mut PgConnection,
    users: &[UserId],
    reference: &str,
    content: &Content,
) -> Result<Vec<EmailId>, EmailError> {
    let ids: Vec<_> = users.iter().map(|_| EmailId::generate().0).collect();
    let users: Vec<_> = users.iter().map(|user| user.0).collect();
    let inserted = sqlx::query_scalar!(
        r#"
        INSERT INTO emails (id, template, user_id, reference, data)
        SELECT new.id, $3, new.user_id, $4, $5
        FROM unnest($1::uuid[], $2::uuid[]) AS new (id, user_id)
        ON CONFLICT ON CONSTRAINT emails_once DO NOTHING
        RETURNING id AS "id: EmailId"
        "#,
        &ids,
        &users,
        content.template(),
        reference,
        data(content)?,
    )
    .fetch_all(conn)
    .await?;
    Ok(inserted)
}

/// What the template shows, as it is stored.
fn data(content: &Content) -> Result<Value, EmailError> {
    let mut stored = serde_json::to_value(content)?;
    Ok(stored.get_mut("data").map_or_else(|| json!({}), Value::take))
}

struct Row {
    template: String,
    user: Option<UserId>,
    address: Option<String>,
    reference: String,
    data: Value,
    status: Status,
    in_doubt: bool,
    is_suppressed: bool,
    person: Option<UserId>,
    email: Option<String>,
    is_verified: bool,
    name: Option<String>,
    person_status: Option<UserStatus>,
    locale: Option<String>,
    time_zone: Option<String>,
    unsubscribe_key: Option<Vec<u8>>,
    opt_outs: Vec<EmailCategory>,
    quiet_from: Option<i16>,
    quiet_to: Option<i16>,
    now: DateTime<Utc>,
}

impl Row {
    fn into_email(self, id: EmailId) -> Email {
        let recipient = match (self.user, &self.address) {
            (Some(user), _) => Recipient::User(user),
            (None, address) => Recipient::Address(address.clone().unwrap_or_default()),
        };
        let content = json!({ "template": self.template, "data": self.data });
        Email {
            id,
            recipient,
            reference: self.reference.clone(),
            content: serde_json::from_value::<Content>(content).ok(),
            status: self.status,
            in_doubt: self.in_doubt,
            is_suppressed: self.is_suppressed,
            now: self.now,
            person: self.into_person(),
        }
    }

    fn into_person(self) -> Option<Person> {
        Some(Person {
            id: self.person?,
            address: self.email?,
            is_verified: self.is_verified,
            name: self.name?,
            status: self.person_status?,
            // One that a later version of the program has words in is read as the default.
            locale: self.locale?.parse().unwrap_or_default(),
            time_zone: self.time_zone?,
            unsubscribe_key: self.unsubscribe_key?.into(),
            opt_outs: self.opt_outs,
            quiet_hours: self.quiet_from.zip(self.quiet_to).map(|(from, to)| QuietHours::of_minutes(from, to)),
        })
    }
}

/// Reads a mail, and all there is to know of whoever it is for, in one statement: there are as many of these as there are mails.
pub async fn get(conn: &mut PgConnection, id: EmailId) -> Result<Email, EmailError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT
            e.template, e.user_id AS "user: UserId", e.address, e.reference, e.data, e.status AS "status: Status", e.in_doubt,
            EXISTS (
                SELECT FROM email_suppressions WHERE address = coalesce(u.email, e.address)
            ) AS "is_suppressed!",
            u.id AS "person?: UserId", u.email AS "email?", u.email_verified_at IS NOT NULL AS "is_verified!", u.name AS "name?",
            u.status AS "person_status?: UserStatus", u.locale AS "locale?", u.time_zone AS "time_zone?",
            u.unsubscribe_key AS "unsubscribe_key?",
            ARRAY (SELECT category FROM email_opt_outs WHERE user_id = u.id) AS "opt_outs!: Vec<EmailCategory>",
            u.quiet_from AS "quiet_from?", u.quiet_to AS "quiet_to?", clock_timestamp() AS "now!"
        FROM emails AS e
        LEFT JOIN users AS u ON u.id = coalesce(e.user_id, (SELECT id FROM users WHERE email = e.address))
        WHERE e.id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(EmailError::NotFound(id))?;
    Ok(row.into_email(id))
}

/// Notes that the mail is about to be handed to the server, which leaves it in doubt until an answer is known. Fails with
/// [`EmailError::Finished`] when there is nothing to send.
pub async fn begin_attempt(conn: &mut PgConnection, id: EmailId) -> Result<(), EmailError> {
    let updated = sqlx::query!(
        r#"
        UPDATE emails
        SET attempts = attempts + 1, attempted_at = clock_timestamp(), in_doubt = true
        WHERE id = $1
          AND (status = 'queued') IS TRUE
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(EmailError::Finished(id)) }
}

/// Notes a temporary failure, and whether the server may have taken the mail all the same: it stays queued.
pub async fn note_response(
    conn: &mut PgConnection,
    id: EmailId,
    response: &str,
    in_doubt: bool,
) -> Result<(), EmailError> {
    let updated = sqlx::query!(
        r#"
        UPDATE emails
        SET provider_response = $2, in_doubt = $3
        WHERE id = $1
        "#,
        id.0,
        shorten(response),
        in_doubt,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(EmailError::NotFound(id)) }
}

/// Marks a mail as sent, with the words in which the server accepted it. Earlier refusals of the
/// address are forgotten.
pub async fn finish_sent(
    conn: &mut PgConnection,
    id: EmailId,
    address: &str,
    response: &str,
) -> Result<(), EmailError> {
    let updated = sqlx::query!(
        r#"
        WITH forgotten AS (
            DELETE FROM email_refusals
            WHERE address = lower($3)
        )
        UPDATE emails
        SET status = 'sent', provider_response = $2, finished_at = clock_timestamp()
        WHERE id = $1
          AND (status = 'queued') IS TRUE
        "#,
        id.0,
        shorten(response),
        address.trim(),
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(EmailError::Finished(id)) }
}

/// Finishes a mail that was not sent, with what the server said or the reason it was never asked.
pub async fn finish(conn: &mut PgConnection, id: EmailId, status: Status, response: &str) -> Result<(), EmailError> {
    let updated = sqlx::query!(
        r#"
        UPDATE emails
        SET status = $2, provider_response = $3, finished_at = clock_timestamp()
        WHERE id = $1
          AND (status = 'queued') IS TRUE
        "#,
        id.0,
        status as Status,
        shorten(response),
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(EmailError::Finished(id)) }
}

/// Puts an address on the suppression list; one already there keeps its first reason.
pub async fn suppress(
    conn: &mut PgConnection,
    address: &str,
    reason: SuppressionReason,
    detail: &str,
    email: Option<EmailId>,
) -> Result<(), EmailError> {
    sqlx::query!(
        r#"
        INSERT INTO email_suppressions (address, reason, detail, email_id)
        VALUES (lower($1), $2, $3, $4)
        ON CONFLICT (address) DO NOTHING
        "#,
        address.trim(),
        reason as SuppressionReason,
        shorten(detail),
        email.map(|it| it.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts a refusal that did not say whether the mailbox exists, and returns how many there have
/// been since the last mail that the address accepted.
pub async fn note_refusal(conn: &mut PgConnection, address: &str, detail: &str) -> Result<Refusals, EmailError> {
    let refusals = sqlx::query_as!(
        Refusals,
        r#"
        INSERT INTO email_refusals AS known (address, detail)
        VALUES (lower($1), $2)
        ON CONFLICT (address) DO UPDATE
        SET refusals = known.refusals + 1, last_at = now(), detail = excluded.detail
        RETURNING refusals, first_at, last_at
        "#,
        address.trim(),
        shorten(detail),
    )
    .fetch_one(conn)
    .await?;
    Ok(refusals)
}

/// The addresses that servers refused, newest first: those that are no longer written to, and those
/// that still are.
pub async fn refused(conn: &mut PgConnection, limit: i64) -> Result<Vec<RefusedAddress>, EmailError> {
    let addresses = sqlx::query_as!(
        RefusedAddress,
        r#"
        SELECT coalesce(s.address, r.address) AS "address!", s.reason AS "suppressed?: SuppressionReason",
               coalesce(r.refusals, 0) AS "refusals!", coalesce(s.created_at, r.last_at) AS "at!",
               coalesce(nullif(s.detail, ''), r.detail, '') AS "detail!"
        FROM email_suppressions AS s
        FULL JOIN email_refusals AS r USING (address)
        ORDER BY 4 DESC, 1
        LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(addresses)
}

/// Takes an address off the suppression list, forgets its refusals, and writes that to the audit log. `false`: there was nothing
/// against it. Needs a transaction.
pub async fn allow(conn: &mut PgConnection, actor: Actor, address: &str) -> Result<bool, EmailError> {
    let found = sqlx::query_scalar!(
        r#"
        WITH suppressed AS (
            DELETE FROM email_suppressions
            WHERE address = lower($1)
            RETURNING address
        ), refused AS (
            DELETE FROM email_refusals
            WHERE address = lower($1)
            RETURNING address
        )
        SELECT EXISTS (SELECT FROM suppressed UNION ALL SELECT FROM refused) AS "found!"
        "#,
        address.trim(),
    )
    .fetch_one(&mut *conn)
    .await?;
    if found {
        // The audit log holds no personal data: this is enough to recognise a known address.
        let digest = Sha256::digest(address.trim().to_lowercase());
        let digest = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        let subject = ("address", format!("{digest:016x}"));
        audit::append(conn, audit::Entry { actor, action: "email.allow", subject, data: json!({}) }).await?;
    }
    Ok(found)
}

/// Whether an address must not be written to.
pub async fn is_suppressed(conn: &mut PgConnection, address: &str) -> Result<bool, EmailError> {
    let found = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM email_suppressions WHERE address = lower($1)) AS "found!"
        "#,
        address.trim(),
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

fn shorten(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(MAX_RESPONSE).collect()
}
