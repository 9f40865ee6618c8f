//! Logins of two steps: the password, and then the second factor.

use secrecy::SecretString;
use shared::crypto::seal::Keyring;
use shared::ids::UserId;
use sqlx::PgConnection;

use super::super::{mint_token, token_hash};
use super::{Shown, TwoFactorsError, lock, use_code};

/// How long the second step of a login may take, in seconds.
pub const SECOND_STEP_SECONDS: i32 = 300;

/// Makes the token for the second step of a login, of a person whose password was right.
pub async fn mint_second_step(
    conn: &mut PgConnection,
    user: UserId,
    session_version: i32,
) -> Result<SecretString, sqlx::Error> {
    let (token, hash) = mint_token();
    sqlx::query!(
        r#"
        INSERT INTO pending_logins (token_hash, user_id, session_version, expires_at)
        VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 second')
        "#,
        hash,
        user.0,
        session_version,
        f64::from(SECOND_STEP_SECONDS),
    )
    .execute(conn)
    .await?;
    Ok(token.into())
}

/// Whose login waits for its second step; `None` when the token is unknown, used or expired.
pub async fn second_step_of(conn: &mut PgConnection, token: &str) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT user_id AS "user: UserId"
        FROM pending_logins
        WHERE token_hash = $1
          AND expires_at > clock_timestamp()
        "#,
        token_hash(token),
    )
    .fetch_optional(conn)
    .await
}

/// Uses up the token of a login and the code that completes it; returns the version for the person's session. On an error nothing
/// must be committed. Needs a transaction.
pub async fn pass_second_step(
    conn: &mut PgConnection,
    user: UserId,
    token: &str,
    code: &str,
    keyring: &Keyring,
) -> Result<(i32, Shown), TwoFactorsError> {
    lock(conn, user).await?;
    let version = sqlx::query_scalar!(
        r#"
        DELETE FROM pending_logins
        USING users
        WHERE pending_logins.token_hash = $1
          AND pending_logins.user_id = $2
          AND pending_logins.expires_at > clock_timestamp()
          AND users.id = pending_logins.user_id
          AND users.status = 'active'
          AND users.session_version = pending_logins.session_version
        RETURNING pending_logins.session_version
        "#,
        token_hash(token),
        user.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(TwoFactorsError::WrongToken)?;
    let (_, shown) = match use_code(conn, user, code, keyring).await {
        // Turned off in the meantime, in another session: the password has to be given again, and is enough then.
        Err(TwoFactorsError::Off) => return Err(TwoFactorsError::WrongToken),
        shown => shown?,
    };
    Ok((version, shown))
}
