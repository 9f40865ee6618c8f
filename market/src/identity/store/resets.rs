use shared::audit::{self, Actor};
use shared::ids::UserId;
use sqlx::PgConnection;

use super::{mint_token, revoke_all, token_hash};

/// How long the link in a mail works, in minutes.
pub const RESET_MINUTES: i32 = 60;

/// Makes the token for a mail to this address; its plain form exists only in that mail. `None` when
/// nobody is registered with the address, or the person is suspended.
pub async fn mint_password_reset(conn: &mut PgConnection, email: &str) -> Result<Option<String>, sqlx::Error> {
    let (token, hash) = mint_token();
    let minted = sqlx::query!(
        r#"
        INSERT INTO password_resets (token_hash, user_id, email, expires_at)
        SELECT $2, id, email, clock_timestamp() + $3 * interval '1 minute'
        FROM users
        WHERE email = $1
          AND status = 'active'
        "#,
        email,
        hash,
        f64::from(RESET_MINUTES),
    )
    .execute(conn)
    .await?;
    Ok((minted.rows_affected() == 1).then_some(token))
}

/// Whether the token would work now: asked before the new password is hashed, which costs much more.
pub async fn is_password_reset(conn: &mut PgConnection, token: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM password_resets
            JOIN users ON users.id = password_resets.user_id
            WHERE token_hash = $1
              AND expires_at > clock_timestamp()
              AND users.email = password_resets.email
              AND users.status = 'active'
        ) AS "works!"
        "#,
        token_hash(token),
    )
    .fetch_one(conn)
    .await
}

/// Gives the token's owner a new password and ends every session; `None` when the token is unknown,
/// used, expired, or for an address that the person no longer has. Needs a transaction.
///
/// Whoever has the token reads the mailbox, so the address counts as verified. Every other link
/// mailed to the person stops working: a stranger who had registered the address keeps nothing.
pub async fn reset_password(
    conn: &mut PgConnection,
    token: &str,
    password_hash: &str,
) -> Result<Option<UserId>, sqlx::Error> {
    let user = sqlx::query_scalar!(
        r#"
        WITH used AS (
            DELETE FROM password_resets
            WHERE token_hash = $1
              AND expires_at > clock_timestamp()
            RETURNING user_id, email
        )
        UPDATE users
        SET password_hash = $2,
            email_verified_at = coalesce(email_verified_at, clock_timestamp()),
            session_version = session_version + 1
        FROM used
        WHERE users.id = used.user_id
          AND users.email = used.email
          AND users.status = 'active'
        RETURNING users.id AS "id: UserId"
        "#,
        token_hash(token),
        password_hash,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(user) = user else { return Ok(None) };
    sqlx::query!(
        r#"
        WITH links AS (
            DELETE FROM email_verifications
            WHERE user_id = $1
        )
        DELETE FROM password_resets
        WHERE user_id = $1
        "#,
        user.0,
    )
    .execute(&mut *conn)
    .await?;
    revoke_all(conn, user, "password").await?;
    let subject = ("user", user.to_string());
    let data = serde_json::json!({});
    let actor = Actor::User(user);
    audit::append(conn, audit::Entry { actor, action: "user.reset_password", subject, data }).await?;
    Ok(Some(user))
}
