use chrono::{DateTime, Utc};
use shared::audit::{self, Actor};
use shared::ids::UserId;
use sqlx::PgConnection;

use super::{Decision, OrgError, decide, mint_token, revoke_all, sole_owner, token_hash};
use crate::identity::model::{Email, Locale, PersonName, PlatformRole, TimeZone, UserStatus};

/// How long the link in a verification mail works.
const VERIFICATION_HOURS: f64 = 48.0;

/// A person who registers.
#[derive(Debug)]
pub struct NewUser<'a> {
    pub email: &'a Email,
    pub name: &'a PersonName,
    /// As returned by `password::hash`.
    pub password_hash: &'a str,
}

/// Adds a user; `None` when the address is taken.
pub async fn insert_user(conn: &mut PgConnection, user: NewUser<'_>) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO users (id, email, name, password_hash)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT users_email_unique DO NOTHING
        RETURNING id AS "id: UserId"
        "#,
        UserId::generate().0,
        user.email.as_str(),
        user.name.as_str(),
        user.password_hash,
    )
    .fetch_optional(conn)
    .await
}

/// What a login needs to know.
pub struct Credentials {
    pub user: UserId,
    pub password_hash: String,
    pub status: UserStatus,
    pub session_version: i32,
    /// Whether the password alone is not enough.
    pub second_factor: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).field("status", &self.status).finish_non_exhaustive()
    }
}

pub async fn credentials(conn: &mut PgConnection, email: &Email) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"
        SELECT
            id AS "user: UserId", password_hash, status AS "status: UserStatus", session_version,
            EXISTS (
                SELECT
                FROM two_factors
                WHERE user_id = users.id
                  AND confirmed_at IS NOT NULL
            ) AS "second_factor!"
        FROM users
        WHERE email = $1
        "#,
        email.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Replaces a hash made at an outdated cost, unless the password has changed in the meantime.
pub async fn rehash(conn: &mut PgConnection, user: UserId, old: &str, new: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", user.0, old, new)
        .execute(conn)
        .await?;
    Ok(())
}

/// What people see of themselves.
#[derive(Clone, Debug)]
pub struct Profile {
    pub id: UserId,
    pub email: String,
    pub email_verified: bool,
    pub name: String,
    pub status: UserStatus,
    pub locale: String,
    pub time_zone: String,
    pub platform_role: PlatformRole,
    pub created_at: DateTime<Utc>,
}

pub async fn profile(conn: &mut PgConnection, user: UserId) -> Result<Option<Profile>, sqlx::Error> {
    sqlx::query_as!(
        Profile,
        r#"
        SELECT
            id AS "id: UserId", email, email_verified_at IS NOT NULL AS "email_verified!", name,
            status AS "status: UserStatus", locale, time_zone, platform_role AS "platform_role: PlatformRole", created_at
        FROM users
        WHERE id = $1
        "#,
        user.0,
    )
    .fetch_optional(conn)
    .await
}

/// [`profile`], locked against changes until the transaction ends.
pub async fn lock_profile(conn: &mut PgConnection, user: UserId) -> Result<Option<Profile>, sqlx::Error> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0).fetch_optional(&mut *conn).await?;
    profile(conn, user).await
}

/// What people can change about themselves; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    pub name: Option<PersonName>,
    pub time_zone: Option<TimeZone>,
    pub locale: Option<Locale>,
}

pub async fn change_profile(conn: &mut PgConnection, user: UserId, change: &ProfileChange) -> Result<(), sqlx::Error> {
    let changed = sqlx::query!(
        r#"
        UPDATE users
        SET name = coalesce($2, name),
            time_zone = coalesce($3, time_zone),
            locale = coalesce($4, locale)
        WHERE id = $1
        "#,
        user.0,
        change.name.as_ref().map(PersonName::as_str),
        change.time_zone.as_ref().map(TimeZone::as_str),
        change.locale.as_ref().map(Locale::as_str),
    )
    .execute(conn)
    .await?;
    one(changed.rows_affected())
}

/// Makes the token for a verification mail; its plain form exists only in that mail. `None` when
/// there is nothing left to verify. Tokens of earlier mails keep working until they expire: a
/// repeated mail must not break the first.
pub async fn mint_email_verification(
    conn: &mut PgConnection,
    user: UserId,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let (token, hash) = mint_token();
    let email = sqlx::query_scalar!(
        r#"
        INSERT INTO email_verifications (token_hash, user_id, email, expires_at)
        SELECT $2, id, email, clock_timestamp() + $3::double precision * interval '1 hour'
        FROM users
        WHERE id = $1
          AND email_verified_at IS NULL
          AND status = 'active'
        RETURNING email
        "#,
        user.0,
        hash,
        VERIFICATION_HOURS,
    )
    .fetch_optional(conn)
    .await?;
    Ok(email.map(|email| (email, token)))
}

/// The address that a token would confirm now; `None` when it would confirm none.
pub async fn email_to_verify(conn: &mut PgConnection, token: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT users.email
        FROM email_verifications
        JOIN users ON users.id = email_verifications.user_id
        WHERE token_hash = $1
          AND used_at IS NULL
          AND expires_at > clock_timestamp()
          AND users.email = email_verifications.email
          AND users.status = 'active'
        "#,
        token_hash(token),
    )
    .fetch_optional(conn)
    .await
}

/// Uses a token, of a person who has shown to know the account's password as well: a stranger may have registered the address.
/// `None` when it is unknown, used, expired, for another address than the user's present one, or its user is suspended.
pub async fn verify_email(conn: &mut PgConnection, token: &str) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        WITH used AS (
            UPDATE email_verifications
            SET used_at = clock_timestamp()
            WHERE token_hash = $1
              AND used_at IS NULL
              AND expires_at > clock_timestamp()
            RETURNING user_id, email
        )
        UPDATE users
        SET email_verified_at = coalesce(email_verified_at, clock_timestamp())
        FROM used
        WHERE users.id = used.user_id
          AND users.email = used.email
          AND users.status = 'active'
        RETURNING users.id AS "id: UserId"
        "#,
        token_hash(token),
    )
    .fetch_optional(conn)
    .await
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("no such user")]
    Unknown,
    #[error("the user is already {0}")]
    Already(&'static str),
    #[error(transparent)]
    Org(#[from] OrgError),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Suspends or reinstates a person; returns the number of the act. A suspension ends every session at once, and takes along
/// the organisations that nobody else who is active owns. Needs a transaction.
pub async fn set_user_status(
    conn: &mut PgConnection,
    actor: Actor,
    user: UserId,
    status: UserStatus,
    reason: &str,
) -> Result<i64, UserError> {
    // First the organisations, then the person, as everywhere.
    let alone = match status {
        UserStatus::Suspended => sole_owner::lock_orgs(conn, user).await?,
        UserStatus::Active => Vec::new(),
    };
    let old = lock_user(conn, user).await?;
    if old.0 == status {
        return Err(UserError::Already(status.name()));
    }
    for org in alone {
        decide(conn, actor, org, Decision::Suspend, Some(reason)).await?;
    }
    sqlx::query!(
        "UPDATE users SET status = $2, session_version = session_version + 1 WHERE id = $1",
        user.0,
        status.name(),
    )
    .execute(&mut *conn)
    .await?;
    let action = if status == UserStatus::Suspended {
        revoke_all(conn, user, "suspended").await?;
        "user.suspend"
    } else {
        "user.reinstate"
    };
    let data = serde_json::json!({"reason": reason});
    let subject = ("user", user.to_string());
    Ok(audit::append(conn, audit::Entry { actor, action, subject, data }).await?)
}

/// Gives a person another role on the platform.
pub async fn set_platform_role(
    conn: &mut PgConnection,
    actor: Actor,
    user: UserId,
    role: PlatformRole,
) -> Result<(), UserError> {
    let old = lock_user(conn, user).await?;
    if old.1 == role {
        return Err(UserError::Already(role.name()));
    }
    sqlx::query!("UPDATE users SET platform_role = $2 WHERE id = $1", user.0, role.name()).execute(&mut *conn).await?;
    let data = serde_json::json!({"from": old.1.name(), "to": role.name()});
    let subject = ("user", user.to_string());
    audit::append(conn, audit::Entry { actor, action: "user.change_role", subject, data }).await?;
    Ok(())
}

/// Locks a person for a change. Whoever was erased is not there any more.
async fn lock_user(conn: &mut PgConnection, user: UserId) -> Result<(UserStatus, PlatformRole), UserError> {
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: UserStatus", platform_role AS "role: PlatformRole"
        FROM users
        WHERE id = $1
          AND erased_at IS NULL
        FOR NO KEY UPDATE
        "#,
        user.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| (row.status, row.role)).ok_or(UserError::Unknown)
}

/// What [`bootstrap_admin`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrapped {
    /// A new account with the given password.
    Created(UserId),
    /// The account existed and is an administrator now; its password is unchanged. The role counts
    /// once the address is verified.
    Promoted(UserId),
    /// Nothing to do.
    AlreadyAdmin(UserId),
}

/// Makes the first administrator, for whoever runs the command line: a new installation has nobody
/// to ask yet.
pub async fn bootstrap_admin(conn: &mut PgConnection, user: NewUser<'_>) -> Result<Bootstrapped, UserError> {
    let email = user.email;
    if let Some(id) = insert_user(conn, user).await? {
        sqlx::query!("UPDATE users SET email_verified_at = clock_timestamp() WHERE id = $1", id.0)
            .execute(&mut *conn)
            .await?;
        set_platform_role(conn, Actor::CommandLine, id, PlatformRole::Admin).await?;
        return Ok(Bootstrapped::Created(id));
    }
    let id = credentials(conn, email).await?.ok_or(UserError::Unknown)?.user;
    match set_platform_role(conn, Actor::CommandLine, id, PlatformRole::Admin).await {
        Ok(()) => Ok(Bootstrapped::Promoted(id)),
        Err(UserError::Already(_)) => Ok(Bootstrapped::AlreadyAdmin(id)),
        Err(error) => Err(error),
    }
}

/// A user in an administrator's list.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub email_verified: bool,
    pub name: String,
    pub status: UserStatus,
    pub platform_role: PlatformRole,
    pub created_at: DateTime<Utc>,
}

/// Users after `after` in the order of their ids; `email` finds addresses that begin with it.
pub async fn users_page(
    conn: &mut PgConnection,
    email: Option<&str>,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserRow>, sqlx::Error> {
    sqlx::query_as!(
        UserRow,
        r#"
        SELECT
            id AS "id: UserId", email, email_verified_at IS NOT NULL AS "email_verified!", name,
            status AS "status: UserStatus", platform_role AS "platform_role: PlatformRole", created_at
        FROM users
        WHERE ($1::text IS NULL OR starts_with(email, lower($1)))
          AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id
        LIMIT $3
        "#,
        email,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Checks that a write hit exactly one row.
pub(super) fn one(rows: u64) -> Result<(), sqlx::Error> {
    if rows == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
