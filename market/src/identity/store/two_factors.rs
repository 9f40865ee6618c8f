//! The second factor of a person: an app's secret, sealed, and recovery codes, hashed.
//!
//! Everything here is guarded by the lock on the person: of two who give the same code at once the second one finds it used. A login
//! with a second factor has two steps; between them stands a token whose hash is a row of `pending_logins`.
//!
//! # How to get this wrong
//! - Judging a code without counting the attempt first: six digits are guessed in no time (see
//!   [`ThrottleKey::second_factor`](super::ThrottleKey::second_factor)).
//! - Committing after [`TwoFactorsError::WrongCode`]: the token of a login would be used up by a mistyped digit.
//! - Opening a session with the version that the person has now: a password that was set between the two steps ends what the old
//!   one began.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::crypto::seal::{Keyring, Place, SealError};
use shared::crypto::totp;
use shared::ids::UserId;
use sqlx::PgConnection;

use crate::identity::rules::codes::{Given, RECOVERY_CODES, RecoveryHash, recovery_code, recovery_hash};
use crate::ids::EnrolmentId;

mod login;

pub use login::{SECOND_STEP_SECONDS, mint_second_step, pass_second_step, second_step_of};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum TwoFactorsError {
    #[error("there is a second factor already")]
    AlreadyOn,
    #[error("there is no second factor")]
    Off,
    #[error("the code is wrong, was used before, or is too old")]
    WrongCode,
    #[error("the token is unknown, used or expired, or the password has changed since")]
    WrongToken,
    #[error("the secret of a second factor")]
    Seal(#[from] SealError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// What people see of their second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoFactors {
    /// Absent: logins do not ask for one.
    pub enabled_at: Option<DateTime<Utc>>,
    pub recovery_codes_left: i64,
}

/// The second factor of a person, if logins ask for one.
pub async fn two_factors(conn: &mut PgConnection, user: UserId) -> Result<TwoFactors, sqlx::Error> {
    let found = sqlx::query_as!(
        TwoFactors,
        r#"
        SELECT
            confirmed_at AS enabled_at,
            (
                SELECT count(*)
                FROM recovery_codes
                WHERE two_factors_id = two_factors.id
                  AND used_at IS NULL
            ) AS "recovery_codes_left!"
        FROM two_factors
        WHERE user_id = $1
          AND confirmed_at IS NOT NULL
        "#,
        user.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or(TwoFactors { enabled_at: None, recovery_codes_left: 0 }))
}

/// What a secret is sealed for.
pub(crate) fn place(user: UserId, enrolment: EnrolmentId) -> Place {
    Place::new("two_factors", &[&user, &enrolment])
}

/// What guards everything that happens to a person's second factor.
async fn lock(conn: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0).fetch_optional(conn).await?;
    Ok(())
}

async fn write_down(conn: &mut PgConnection, user: UserId, action: &str, data: Value) -> Result<(), sqlx::Error> {
    let subject = ("user", user.to_string());
    audit::append(conn, audit::Entry { actor: Actor::User(user), action, subject, data }).await?;
    Ok(())
}

/// Makes the secret for a person's app; logins ask for a code once one has confirmed it. A secret that was not confirmed is replaced.
/// Needs a transaction.
pub async fn enrol(
    conn: &mut PgConnection,
    user: UserId,
    keyring: &Keyring,
) -> Result<SecretSlice<u8>, TwoFactorsError> {
    lock(conn, user).await?;
    sqlx::query!("DELETE FROM two_factors WHERE user_id = $1 AND confirmed_at IS NULL", user.0)
        .execute(&mut *conn)
        .await?;
    let (id, secret) = (EnrolmentId::generate(), totp::generate());
    let sealed = keyring.seal(&place(user, id), secret.expose_secret())?;
    let made = sqlx::query!(
        r#"
        INSERT INTO two_factors (id, user_id, sealed)
        VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO NOTHING
        "#,
        id.0,
        user.0,
        sealed,
    )
    .execute(conn)
    .await?;
    if made.rows_affected() == 0 {
        return Err(TwoFactorsError::AlreadyOn);
    }
    Ok(secret)
}

/// A person's enrolment, and what time it is.
struct Enrolled {
    id: EnrolmentId,
    sealed: Vec<u8>,
    confirmed: bool,
    last_step: Option<i64>,
    now: i64,
}

async fn enrolled(conn: &mut PgConnection, user: UserId) -> Result<Enrolled, TwoFactorsError> {
    let found = sqlx::query_as!(
        Enrolled,
        r#"
        SELECT
            id AS "id: EnrolmentId", sealed, confirmed_at IS NOT NULL AS "confirmed!", last_step,
            floor(extract(epoch FROM clock_timestamp()))::bigint AS "now!"
        FROM two_factors
        WHERE user_id = $1
        "#,
        user.0,
    )
    .fetch_optional(conn)
    .await?;
    found.ok_or(TwoFactorsError::Off)
}

/// The step of a code that the person's app shows and that was not used.
fn step_of(enrolled: &Enrolled, user: UserId, code: &SecretString, keyring: &Keyring) -> Result<i64, TwoFactorsError> {
    let secret = keyring.open(&place(user, enrolled.id), &enrolled.sealed)?;
    let now = totp::step_at(enrolled.now);
    totp::matching_step(secret.expose_secret(), code.expose_secret(), now, enrolled.last_step)
        .ok_or(TwoFactorsError::WrongCode)
}

/// Turns the second factor on, with a code that shows that the app has the secret; returns the recovery codes, which nobody shows
/// again. Needs a transaction.
pub async fn confirm(
    conn: &mut PgConnection,
    user: UserId,
    code: &str,
    keyring: &Keyring,
) -> Result<Vec<SecretString>, TwoFactorsError> {
    lock(conn, user).await?;
    let enrolled = enrolled(conn, user).await?;
    if enrolled.confirmed {
        return Err(TwoFactorsError::AlreadyOn);
    }
    let Some(Given::App(code)) = Given::read(code) else { return Err(TwoFactorsError::WrongCode) };
    let step = step_of(&enrolled, user, &code, keyring)?;
    sqlx::query!(
        "UPDATE two_factors SET confirmed_at = clock_timestamp(), last_step = $2 WHERE id = $1",
        enrolled.id.0,
        step,
    )
    .execute(&mut *conn)
    .await?;
    let codes = add_recovery_codes(conn, enrolled.id).await?;
    write_down(conn, user, "user.enable_second_factor", json!({})).await?;
    Ok(codes)
}

async fn add_recovery_codes(conn: &mut PgConnection, enrolment: EnrolmentId) -> Result<Vec<SecretString>, sqlx::Error> {
    let (codes, hashes): (Vec<SecretString>, Vec<RecoveryHash>) =
        (0..RECOVERY_CODES).map(|_| recovery_code(enrolment)).unzip();
    let hashes: Vec<Vec<u8>> = hashes.into_iter().map(Vec::from).collect();
    sqlx::query!(
        r#"
        INSERT INTO recovery_codes (two_factors_id, hash)
        SELECT $1, hash
        FROM unnest($2::bytea[]) AS made (hash)
        "#,
        enrolment.0,
        &hashes,
    )
    .execute(conn)
    .await?;
    Ok(codes)
}

/// With what a person has shown that it is them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A code of the app.
    App,
    /// A recovery code. So many are left.
    Recovery { left: i64 },
}

/// Uses a code up, of a person who is locked.
async fn use_code(
    conn: &mut PgConnection,
    user: UserId,
    code: &str,
    keyring: &Keyring,
) -> Result<(EnrolmentId, Shown), TwoFactorsError> {
    let enrolled = enrolled(conn, user).await?;
    if !enrolled.confirmed {
        return Err(TwoFactorsError::Off);
    }
    match Given::read(code).ok_or(TwoFactorsError::WrongCode)? {
        Given::App(code) => {
            let step = step_of(&enrolled, user, &code, keyring)?;
            sqlx::query!("UPDATE two_factors SET last_step = $2 WHERE id = $1", enrolled.id.0, step)
                .execute(conn)
                .await?;
            Ok((enrolled.id, Shown::App))
        }
        Given::Recovery(letters) => {
            let left = use_recovery_code(conn, enrolled.id, &letters).await?;
            write_down(conn, user, "user.use_recovery_code", json!({"left": left})).await?;
            Ok((enrolled.id, Shown::Recovery { left }))
        }
    }
}

/// Uses a recovery code up; returns how many are left.
async fn use_recovery_code(
    conn: &mut PgConnection,
    enrolment: EnrolmentId,
    letters: &SecretString,
) -> Result<i64, TwoFactorsError> {
    let hash = recovery_hash(enrolment, letters);
    let used = sqlx::query!(
        r#"
        UPDATE recovery_codes
        SET used_at = clock_timestamp()
        WHERE two_factors_id = $1
          AND hash = $2
          AND used_at IS NULL
        "#,
        enrolment.0,
        hash.as_slice(),
    )
    .execute(&mut *conn)
    .await?;
    if used.rows_affected() == 0 {
        return Err(TwoFactorsError::WrongCode);
    }
    // In a statement of its own: it sees what the first one has done.
    let left = sqlx::query_scalar!(
        r#"SELECT count(*) AS "left!" FROM recovery_codes WHERE two_factors_id = $1 AND used_at IS NULL"#,
        enrolment.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(left)
}

/// Uses up a code that a person shows for something else. Needs a transaction.
pub async fn show_code(
    conn: &mut PgConnection,
    user: UserId,
    code: &str,
    keyring: &Keyring,
) -> Result<Shown, TwoFactorsError> {
    lock(conn, user).await?;
    Ok(use_code(conn, user, code, keyring).await?.1)
}

/// Replaces the recovery codes of a person who has shown a code; those before are worth nothing. Needs a transaction.
pub async fn renew_recovery_codes(
    conn: &mut PgConnection,
    user: UserId,
    code: &str,
    keyring: &Keyring,
) -> Result<(Vec<SecretString>, Shown), TwoFactorsError> {
    lock(conn, user).await?;
    let (enrolment, shown) = use_code(conn, user, code, keyring).await?;
    sqlx::query!("DELETE FROM recovery_codes WHERE two_factors_id = $1", enrolment.0).execute(&mut *conn).await?;
    let codes = add_recovery_codes(conn, enrolment).await?;
    write_down(conn, user, "user.renew_recovery_codes", json!({})).await?;
    Ok((codes, shown))
}

/// Turns the second factor off, for a person who has shown a code. The secret and the recovery codes are forgotten. Needs a
/// transaction.
pub async fn disable(
    conn: &mut PgConnection,
    user: UserId,
    code: &str,
    keyring: &Keyring,
) -> Result<(), TwoFactorsError> {
    lock(conn, user).await?;
    let (enrolment, _) = use_code(conn, user, code, keyring).await?;
    sqlx::query!("DELETE FROM two_factors WHERE id = $1", enrolment.0).execute(&mut *conn).await?;
    Ok(write_down(conn, user, "user.disable_second_factor", json!({})).await?)
}

/// Takes a person's second factor away who has lost all that goes with it. Needs a transaction.
pub async fn remove_second_factor(
    conn: &mut PgConnection,
    actor: Actor,
    user: UserId,
    reason: &str,
) -> Result<(), TwoFactorsError> {
    lock(conn, user).await?;
    let removed = sqlx::query!("DELETE FROM two_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL", user.0)
        .execute(&mut *conn)
        .await?;
    if removed.rows_affected() == 0 {
        return Err(TwoFactorsError::Off);
    }
    let (subject, data) = (("user", user.to_string()), json!({"reason": reason}));
    audit::append(conn, audit::Entry { actor, action: "user.remove_second_factor", subject, data }).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
