use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::{mint_token, token_hash};
use crate::ids::SessionId;

/// How long a ticket waits for its connection, in seconds.
pub const TICKET_SECONDS: i32 = 30;

/// The session that a ticket, a token or a socket stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRef {
    pub user: UserId,
    pub session: SessionId,
    pub version: i32,
}

/// Makes a ticket for one connection, which acts for `org` if one is named; expired tickets go at the same time.
pub async fn mint_ticket(conn: &mut PgConnection, of: SessionRef, org: Option<OrgId>) -> Result<String, sqlx::Error> {
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
        INSERT INTO ws_tickets (ticket_hash, user_id, session_id, session_version, org_id, expires_at)
        VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 second')
        "#,
        hash,
        of.user.0,
        of.session.0,
        of.version,
        org.map(|org| org.0),
        f64::from(TICKET_SECONDS),
    )
    .execute(conn)
    .await?;
    Ok(ticket)
}

/// Uses a ticket up; `None` when it is unknown, used or expired. The organisation is the one that it was made for.
pub async fn use_ticket(
    conn: &mut PgConnection,
    ticket: &str,
) -> Result<Option<(SessionRef, Option<OrgId>)>, sqlx::Error> {
    let used = sqlx::query!(
        r#"
        DELETE FROM ws_tickets
        WHERE ticket_hash = $1
          AND expires_at > clock_timestamp()
        RETURNING
            user_id AS "user: UserId", session_id AS "session: SessionId", session_version AS version,
            org_id AS "org: OrgId"
        "#,
        token_hash(ticket),
    )
    .fetch_optional(conn)
    .await?;
    Ok(used.map(|row| (SessionRef { user: row.user, session: row.session, version: row.version }, row.org)))
}
