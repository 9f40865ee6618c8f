//! People who are forgotten: what is kept about them goes, and what they did stays under their id, which says nothing by itself.
//!
//! It happens some days after it was asked for, in two parts. The first one is a transaction: the account is overwritten, its sessions,
//! memberships and settings go. The second one deletes what may be much, such as mails, a page at a time, and can be interrupted.
//! [`FATES`] says of each column that names a person what becomes of it, and a test walks the database for them.
//!
//! # How to get this wrong
//! - Looking for open orders before the organisations are locked against new ones: `FOR UPDATE` makes whoever inserts a row that refers
//!   to them wait, and a trigger on orders looks again after that.
//! - Taking a deadlock for a failure: suspending an organisation changes what the search knows of its listings, and an order that is
//!   under way may hold that. One of the two is tried again.
//! - Locking the person before the organisations: everywhere else it is the other way round.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::{Decision, OrgError, decide};
use crate::identity::model::OpenMatter;

mod fates;
mod hindrances;

pub use fates::{FATES, Fate};
use hindrances::check;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    #[error("somebody with a role on the platform gives it up first")]
    Role,
    #[error("an organisation without another owner has something open")]
    Open(Vec<Hindrance>),
    #[error(transparent)]
    Org(#[from] OrgError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// What keeps a person from being erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// It has no other owner.
    pub org: OrgId,
    pub open: OpenMatter,
}

/// An erasure that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub asked_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
}

/// The erasure that a person waits for.
pub async fn erasure(conn: &mut PgConnection, user: UserId) -> Result<Option<Erasure>, sqlx::Error> {
    sqlx::query_as!(Erasure, "SELECT asked_at, due_at FROM erasures WHERE user_id = $1 AND erased_at IS NULL", user.0,)
        .fetch_optional(conn)
        .await
}

/// Has a person erased in so many days; asked again, the first time counts. Needs a transaction.
pub async fn ask_erasure(conn: &mut PgConnection, user: UserId, days: u32) -> Result<Erasure, ErasureError> {
    check(conn, user).await?;
    let asked = sqlx::query_as!(
        Erasure,
        r#"
        INSERT INTO erasures (user_id, due_at)
        VALUES ($1, clock_timestamp() + $2 * interval '1 day')
        ON CONFLICT (user_id) DO NOTHING
        RETURNING asked_at, due_at
        "#,
        user.0,
        f64::from(days),
    )
    .fetch_optional(&mut *conn)
    .await?;
    match asked {
        Some(asked) => {
            write_down(conn, Actor::User(user), user, "user.ask_erasure").await?;
            Ok(asked)
        }
        None => Ok(erasure(conn, user).await?.ok_or(sqlx::Error::RowNotFound)?),
    }
}

/// Takes an erasure back; returns whether there was one. Needs a transaction.
pub async fn cancel_erasure(conn: &mut PgConnection, user: UserId) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!("DELETE FROM erasures WHERE user_id = $1 AND erased_at IS NULL", user.0)
        .execute(&mut *conn)
        .await?;
    let was = gone.rows_affected() > 0;
    if was {
        write_down(conn, Actor::User(user), user, "user.cancel_erasure").await?;
    }
    Ok(was)
}

async fn write_down(conn: &mut PgConnection, actor: Actor, user: UserId, action: &str) -> Result<(), sqlx::Error> {
    let subject = ("user", user.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data: json!({}) }).await?;
    Ok(())
}

/// What became of the first part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// The account is overwritten, now or before: the rest can go.
    Account,
    /// It was taken back, or all is done.
    Nothing,
    NotBefore(DateTime<Utc>),
    /// Something was begun after it was asked for; nothing is named of somebody who has got a role on the platform.
    Hindered(Vec<Hindrance>),
}

/// Overwrites a person's account, once it is due. Needs a transaction.
pub async fn erase_account(conn: &mut PgConnection, user: UserId) -> Result<Erased, ErasureError> {
    // Against whatever refers to them: nobody begins something for them until this is over.
    sqlx::query!(
        r#"
        SELECT
        FROM orgs
        WHERE id IN (SELECT org_id FROM memberships WHERE user_id = $1 AND role = 'owner')
        ORDER BY id
        FOR UPDATE
        "#,
        user.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let account = sqlx::query!("SELECT email, erased_at FROM users WHERE id = $1 FOR UPDATE", user.0)
        .fetch_one(&mut *conn)
        .await?;
    let asked = sqlx::query!(
        r#"
        SELECT due_at, due_at <= clock_timestamp() AS "due!"
        FROM erasures
        WHERE user_id = $1
          AND erased_at IS NULL
        FOR UPDATE
        "#,
        user.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(asked) = asked else { return Ok(Erased::Nothing) };
    if account.erased_at.is_some() {
        return Ok(Erased::Account);
    }
    if !asked.due {
        return Ok(Erased::NotBefore(asked.due_at));
    }
    match check(conn, user).await {
        Ok(()) => {}
        Err(ErasureError::Open(open)) => return Ok(Erased::Hindered(open)),
        Err(ErasureError::Role) => return Ok(Erased::Hindered(Vec::new())),
        Err(error) => return Err(error),
    }
    abandon_orgs(conn, user).await?;
    forget_settings(conn, user, &account.email).await?;
    sqlx::query!(
        r#"
        UPDATE users
        SET email = 'erased-' || id || '@erased.invalid',
            email_verified_at = NULL,
            name = 'Erased person',
            password_hash = '-',
            status = 'suspended',
            locale = 'en',
            time_zone = 'UTC',
            quiet_from = NULL,
            quiet_to = NULL,
            unsubscribe_key = uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
            session_version = session_version + 1,
            erased_at = clock_timestamp()
        WHERE id = $1
        "#,
        user.0,
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, Actor::System, user, "user.erase").await?;
    Ok(Erased::Account)
}

/// Takes the person out of their organisations. Those that nobody else owns trade no more.
async fn abandon_orgs(conn: &mut PgConnection, user: UserId) -> Result<(), ErasureError> {
    for org in super::sole_owner::lock_orgs(conn, user).await? {
        decide(conn, Actor::System, org, Decision::Suspend, Some("Its only owner has left Tradeyard.")).await?;
    }
    sqlx::query!("DELETE FROM memberships WHERE user_id = $1 AND role <> 'owner'", user.0).execute(&mut *conn).await?;
    sqlx::query!(
        r#"
        WITH left_orgs AS (
            DELETE FROM memberships
            WHERE user_id = $1
            RETURNING org_id
        )
        UPDATE orgs
        SET abandoned_at = clock_timestamp()
        FROM left_orgs
        WHERE orgs.id = left_orgs.org_id
          AND NOT EXISTS (
              SELECT
              FROM memberships AS other
              JOIN users ON users.id = other.user_id
              WHERE other.org_id = orgs.id
                AND other.user_id <> $1
                AND other.role = 'owner'
                AND users.status = 'active'
          )
        "#,
        user.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes what is the person's alone and never much.
async fn forget_settings(conn: &mut PgConnection, user: UserId, email: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        WITH a AS (DELETE FROM sessions WHERE user_id = $1),
             b AS (DELETE FROM ws_tickets WHERE user_id = $1),
             c AS (DELETE FROM email_verifications WHERE user_id = $1),
             d AS (DELETE FROM password_resets WHERE user_id = $1),
             e AS (DELETE FROM pending_logins WHERE user_id = $1),
             f AS (DELETE FROM two_factors WHERE user_id = $1),
             g AS (DELETE FROM email_opt_outs WHERE user_id = $1),
             h AS (DELETE FROM saved_searches WHERE user_id = $1),
             i AS (DELETE FROM basket_lines WHERE user_id = $1),
             j AS (DELETE FROM report_subscriptions WHERE user_id = $1),
             k AS (DELETE FROM invitations WHERE email = $2),
             l AS (DELETE FROM email_suppressions WHERE address = $2),
             m AS (DELETE FROM email_refusals WHERE address = $2),
             n AS (DELETE FROM notice_opt_outs WHERE user_id = $1)
        UPDATE api_keys
        SET revoked_at = clock_timestamp()
        WHERE created_by = $1
          AND revoked_at IS NULL
        "#,
        user.0,
        email,
    )
    .execute(&mut *conn)
    .await?;
    // The file of their own data goes with the next round of `exports.expire`.
    sqlx::query!(
        r#"
        UPDATE exports
        SET expires_at = clock_timestamp()
        WHERE requested_by = $1
          AND org_id IS NULL
          AND expires_at > clock_timestamp()
        "#,
        user.0,
    )
    .execute(&mut *conn)
    .await?;
    forget_mails_to(conn, email).await
}

/// Deletes the mails to an address that was not known as the person's then.
async fn forget_mails_to(conn: &mut PgConnection, email: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        WITH gone AS (
            DELETE FROM emails
            WHERE template IN ('already_registered', 'invitation', 'reset_password')
              AND recipient = $1
            RETURNING id
        )
        UPDATE email_suppressions
        SET email_id = NULL
        WHERE email_id IN (SELECT id FROM gone)
        "#,
        email,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes up to `limit` each of what may be much, of a person whose account was overwritten; returns how many went. When none are left,
/// the erasure is done.
pub async fn erase_more(conn: &mut PgConnection, user: UserId, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query_scalar!(
        r#"
        WITH mails AS (
            DELETE FROM emails
            WHERE id IN (SELECT id FROM emails WHERE user_id = $1 ORDER BY id LIMIT $2)
            RETURNING id
        ), unlinked AS (
            UPDATE email_suppressions
            SET email_id = NULL
            WHERE email_id IN (SELECT id FROM mails)
        ), unnoticed AS (
            DELETE FROM notices
            WHERE id IN (SELECT id FROM mails)
        ), watched AS (
            DELETE FROM watches
            WHERE (user_id, listing_id) IN (SELECT user_id, listing_id FROM watches WHERE user_id = $1 LIMIT $2)
            RETURNING 1
        ), answers AS (
            DELETE FROM idempotency_keys
            WHERE (owner, key) IN (SELECT owner, key FROM idempotency_keys WHERE owner = $1 LIMIT $2)
            RETURNING 1
        ), names AS (
            UPDATE uploads
            SET file_name = NULL
            WHERE id IN (SELECT id FROM uploads WHERE created_by = $1 AND file_name IS NOT NULL LIMIT $2)
            RETURNING 1
        )
        SELECT
            (SELECT count(*) FROM mails) + (SELECT count(*) FROM watched)
            + (SELECT count(*) FROM answers) + (SELECT count(*) FROM names) AS "gone!"
        "#,
        user.0,
        limit,
    )
    .fetch_one(&mut *conn)
    .await?;
    if gone == 0 {
        sqlx::query!(
            "UPDATE erasures SET erased_at = clock_timestamp() WHERE user_id = $1 AND erased_at IS NULL",
            user.0,
        )
        .execute(conn)
        .await?;
    }
    Ok(gone.unsigned_abs())
}

#[cfg(test)]
mod tests;
