use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use shared::audit::{self, Actor};
use shared::ids::UserId;
use sqlx::PgConnection;

use super::{mint_token, network, token_hash, token_text};
use crate::ids::SessionId;

/// A session not refreshed for this long ends.
pub const REFRESH_DAYS: i32 = 30;
/// How long after its use a refresh token still gives the same next one: longer than the time
/// between two tabs, or between a request and its repetition.
pub const REFRESH_GRACE_SECONDS: i32 = 10;

/// A new session. The token is shown once; only its hash is stored.
#[derive(Debug)]
pub struct Opened {
    pub session: SessionId,
    pub refresh_token: String,
}

/// What a login reveals about the machine it came from.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    pub user_agent: &'a str,
    pub place: IpAddr,
}

impl Device<'_> {
    /// Enough to recognise it again; the address itself is not kept.
    fn hash(self) -> Vec<u8> {
        Sha256::digest(format!("device {} {}", network(self.place), self.user_agent)).to_vec()
    }
}

/// Opens a session for a person whose password was right. When that makes more than 100, those
/// unused for longest end.
pub async fn open_session(
    conn: &mut PgConnection,
    user: UserId,
    device: Option<Device<'_>>,
) -> Result<Opened, sqlx::Error> {
    let (refresh_token, hash) = mint_token();
    let session = SessionId::generate();
    sqlx::query!(
        r#"
        WITH ended AS (
            UPDATE sessions
            SET revoked_at = clock_timestamp(), revoked_why = 'too_many'
            WHERE id IN (
                SELECT id
                FROM sessions
                WHERE user_id = $2
                  AND revoked_at IS NULL
                ORDER BY refreshed_at DESC
                OFFSET 99
            )
        ), opened AS (
            INSERT INTO sessions (id, user_id, user_agent, expires_at, device)
            VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 day', $6)
            RETURNING id
        )
        INSERT INTO refresh_tokens (token_hash, session_id)
        SELECT $5, id
        FROM opened
        "#,
        session.0,
        user.0,
        device.map(|device| device.user_agent.chars().take(300).collect::<String>()),
        f64::from(REFRESH_DAYS),
        hash,
        device.map(Device::hash),
    )
    .execute(conn)
    .await?;
    Ok(Opened { session, refresh_token })
}

/// The next token of a session.
#[derive(Debug)]
pub struct Refreshed {
    pub user: UserId,
    pub session: SessionId,
    pub session_version: i32,
    pub refresh_token: String,
}

/// Why a refresh token gave no new one.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error("the token is unknown, or its session has ended")]
    Invalid,
    /// Somebody used the token before: either this is a thief, or a thief was faster. The session
    /// is revoked and that is audited; the caller must commit it, and tell the person.
    #[error("the token was used before; its session has been revoked")]
    Reused(UserId, SessionId),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Exchanges a refresh token for the next one. Within [`REFRESH_GRACE_SECONDS`] of its use, a token
/// gives the same next one again: two tabs refreshing at once are one person. Commit the
/// transaction on `Ok` and on [`RefreshError::Reused`].
///
/// # How to get this wrong
/// - Storing the next token readably: the table would hold working tokens. It is sealed with a key
///   derived from the used token, which only its holder has.
/// - Giving each tab a token of its own: the family would fork, and a thief's branch would never meet the owner's again.
pub async fn refresh(conn: &mut PgConnection, token: &str) -> Result<Refreshed, RefreshError> {
    let hash = token_hash(token);
    // The session row is the lock: two uses of one token take turns, and the second sees that it was used.
    let session = sqlx::query!(
        r#"
        SELECT
            sessions.id AS "id: SessionId", sessions.user_id AS "user: UserId", users.session_version,
            sessions.revoked_at IS NULL AND sessions.expires_at > clock_timestamp() AND users.status = 'active' AS "open!"
        FROM sessions
        JOIN users ON users.id = sessions.user_id
        WHERE sessions.id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)
        FOR NO KEY UPDATE OF sessions
        "#,
        hash,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(RefreshError::Invalid)?;
    if !session.open {
        return Err(RefreshError::Invalid);
    }
    let refreshed = |refresh_token| Refreshed {
        user: session.user,
        session: session.id,
        session_version: session.session_version,
        refresh_token,
    };
    let successor: [u8; 32] = rand::random();
    let kept = sealed(&successor, token);
    let used = sqlx::query!(
        r#"
        WITH forgotten AS (
            UPDATE refresh_tokens
            SET successor = NULL
            WHERE session_id = $3
              AND successor IS NOT NULL
              AND used_at < clock_timestamp() - $4 * interval '1 second'
        )
        UPDATE refresh_tokens
        SET used_at = clock_timestamp(), successor = $2
        WHERE token_hash = $1
          AND used_at IS NULL
        "#,
        hash,
        kept.as_slice(),
        session.id.0,
        f64::from(REFRESH_GRACE_SECONDS),
    )
    .execute(&mut *conn)
    .await?;
    if used.rows_affected() == 0 {
        return match again(conn, &hash, token).await? {
            Some(refresh_token) => Ok(refreshed(refresh_token)),
            None => Err(reused(conn, session.user, session.id).await?),
        };
    }
    let refresh_token = token_text(&successor);
    sqlx::query!(
        r#"
        WITH refreshed AS (
            UPDATE sessions
            SET refreshed_at = clock_timestamp(),
                expires_at = clock_timestamp() + $2 * interval '1 day'
            WHERE id = $1
            RETURNING id
        )
        INSERT INTO refresh_tokens (token_hash, session_id)
        SELECT $3, id
        FROM refreshed
        "#,
        session.id.0,
        f64::from(REFRESH_DAYS),
        token_hash(&refresh_token),
    )
    .execute(&mut *conn)
    .await?;
    Ok(refreshed(refresh_token))
}

/// The token that a used one was exchanged for, while its grace period lasts.
async fn again(conn: &mut PgConnection, hash: &[u8], token: &str) -> Result<Option<String>, sqlx::Error> {
    let stored = sqlx::query_scalar!(
        r#"
        SELECT successor
        FROM refresh_tokens
        WHERE token_hash = $1
          AND used_at >= clock_timestamp() - $2 * interval '1 second'
        "#,
        hash,
        f64::from(REFRESH_GRACE_SECONDS),
    )
    .fetch_optional(conn)
    .await?
    .flatten();
    let stored: Option<[u8; 32]> = stored.and_then(|bytes| bytes.try_into().ok());
    Ok(stored.map(|stored| token_text(&sealed(&stored, token))))
}

/// Seals a token's successor with a pad derived from the token alone, or opens it again. The token
/// has 256 random bits, is stored only as a different hash, and seals one successor in its life: a
/// one-time pad.
fn sealed(successor: &[u8; 32], token: &str) -> [u8; 32] {
    let pad = Sha256::new_with_prefix("tradeyard successor of ").chain_update(token).finalize();
    std::array::from_fn(|at| successor[at] ^ pad[at])
}

/// Ends the session of a token that was used twice, and writes that to the audit log.
async fn reused(conn: &mut PgConnection, user: UserId, session: SessionId) -> Result<RefreshError, sqlx::Error> {
    revoke_session(conn, session, "reuse").await?;
    let (subject, data) = (("user", user.to_string()), serde_json::json!({"session": session}));
    let actor = Actor::System;
    audit::append(conn, audit::Entry { actor, action: "user.end_reused_session", subject, data }).await?;
    Ok(RefreshError::Reused(user, session))
}

/// A session that its person can end.
#[derive(Clone, Debug)]
pub struct OpenSession {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub user_agent: Option<String>,
}

/// The open sessions of a person, the most recently used first.
pub async fn sessions_of(conn: &mut PgConnection, user: UserId) -> Result<Vec<OpenSession>, sqlx::Error> {
    sqlx::query_as!(
        OpenSession,
        r#"
        SELECT id AS "id: SessionId", created_at, refreshed_at, expires_at, user_agent
        FROM sessions
        WHERE user_id = $1
          AND revoked_at IS NULL
          AND expires_at > clock_timestamp()
        ORDER BY refreshed_at DESC, id DESC
        LIMIT 100
        "#,
        user.0,
    )
    .fetch_all(conn)
    .await
}

/// Ends one open session of a person, or all but `keep`; returns how many.
pub async fn revoke_other(
    conn: &mut PgConnection,
    user: UserId,
    session: Option<SessionId>,
    keep: Option<SessionId>,
) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query!(
        r#"
        UPDATE sessions
        SET revoked_at = clock_timestamp(), revoked_why = 'revoked'
        WHERE user_id = $1
          AND revoked_at IS NULL
          AND ($2::uuid IS NULL OR id = $2)
          AND ($3::uuid IS NULL OR id <> $3)
        "#,
        user.0,
        session.map(|id| id.0),
        keep.map(|id| id.0),
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// Ends a session; one that has ended stays as it is.
pub async fn revoke_session(conn: &mut PgConnection, session: SessionId, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE sessions
        SET revoked_at = clock_timestamp(), revoked_why = $2
        WHERE id = $1
          AND revoked_at IS NULL
        "#,
        session.0,
        why,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends all sessions of a person.
pub async fn revoke_all(conn: &mut PgConnection, user: UserId, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE sessions
        SET revoked_at = clock_timestamp(), revoked_why = $2
        WHERE user_id = $1
          AND revoked_at IS NULL
        "#,
        user.0,
        why,
    )
    .execute(conn)
    .await?;
    Ok(())
}
