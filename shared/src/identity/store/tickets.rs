use sqlx::PgConnection;
use uuid::Uuid;

use super::{mint_token, token_hash};
use crate::ids::{SessionId, UserId};

/// How long a ticket waits for its connection, in seconds.
pub const TICKET_SECONDS: i32 = 30;

/// The session that a ticket, a token or a socket stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRef {
    pub user: UserId,
    pub session: SessionId,
    pub version: i32,
}

/// Makes a ticket for one connection; expired ones go at the same time.
pub async fn mint_ticket(conn: &mut PgConnection, of: SessionRef) -> Result<String, sqlx::Error> {
    let (ticket, hash) = mint_token();
    sqlx::query!(
        r#"
        WITH swept AS (
            DELETE FROM ws_tickets
            WHERE ticket_hash IN (
                SELECT ticket_hash
                FROM ws_tickets
                WHERE expires_at < clock_timestamp()
                LIMIT 10
                FOR UPDATE SKIP LOCKED
            )
        )
        INSERT INTO ws_tickets (ticket_hash, user_id, session_id, session_version, expires_at)
        VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 second')
        "#,
        hash,
        of.user.0,
        of.session.0,
        of.version,
        f64::from(TICKET_SECONDS),
    )
    .execute(conn)
    .await?;
    Ok(ticket)
}

/// Uses a ticket up; `None` when it is unknown, used or expired.
pub async fn use_ticket(conn: &mut PgConnection, ticket: &str) -> Result<Option<SessionRef>, sqlx::Error> {
    sqlx::query_as!(
        SessionRef,
        r#"
        DELETE FROM ws_tickets
        WHERE ticket_hash = $1
          AND expires_at > clock_timestamp()
        RETURNING user_id AS "user: UserId", session_id AS "session: SessionId", session_version AS version
        "#,
        token_hash(ticket),
    )
    .fetch_optional(conn)
    .await
}

/// Which of these sessions have ended, by logout, suspension, expiry or a new version. One statement for all sockets.
pub async fn ended_sessions(conn: &mut PgConnection, of: &[SessionRef]) -> Result<Vec<SessionId>, sqlx::Error> {
    let sessions: Vec<Uuid> = of.iter().map(|one| one.session.0).collect();
    let versions: Vec<i32> = of.iter().map(|one| one.version).collect();
    sqlx::query_scalar!(
        r#"
        SELECT open.session AS "session!: SessionId"
        FROM unnest($1::uuid[], $2::integer[]) AS open (session, version)
        WHERE NOT EXISTS (
            SELECT
            FROM sessions
            JOIN users ON users.id = sessions.user_id
            WHERE sessions.id = open.session
              AND sessions.revoked_at IS NULL
              AND sessions.expires_at > clock_timestamp()
              AND users.status = 'active'
              AND users.session_version = open.version
        )
        "#,
        &sessions,
        &versions,
    )
    .fetch_all(conn)
    .await
}
