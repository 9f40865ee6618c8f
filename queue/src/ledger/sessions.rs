//! The server's side of connections, as another one sees it: whether the server still works for a session, waits for it, or has
//! never heard of it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A session of the database server. The number of its process alone may come again, on this server or on its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionId {
    pub(crate) pid: i32,
    pub(crate) started_at: DateTime<Utc>,
}

/// What the server says of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    /// A statement is under way.
    Works,
    /// It has answered, and waits for the next statement.
    Waits,
    /// There is no such session.
    Gone,
}

/// The session behind this connection.
pub(crate) async fn own_session(conn: &mut PgConnection) -> Result<SessionId, sqlx::Error> {
    sqlx::query_as!(
        SessionId,
        r#"
        SELECT pid AS "pid!", backend_start AS "started_at!"
        FROM pg_stat_get_activity(pg_backend_pid())
        "#,
    )
    .fetch_one(conn)
    .await
}

/// What the server says of these sessions, in their order.
pub(crate) async fn session_states(
    conn: &mut PgConnection,
    sessions: &[SessionId],
) -> Result<Vec<SessionState>, sqlx::Error> {
    let pids: Vec<_> = sessions.iter().map(|session| session.pid).collect();
    let starts: Vec<_> = sessions.iter().map(|session| session.started_at).collect();
    let rows = sqlx::query!(
        r#"
        SELECT session.pid IS NULL AS "gone!", coalesce(session.state LIKE 'idle%', false) AS "waits!"
        FROM unnest($1::integer[], $2::timestamptz[]) WITH ORDINALITY AS asked (pid, started_at, place)
        LEFT JOIN pg_stat_activity AS session
          ON session.pid = asked.pid
         AND session.backend_start = asked.started_at
        ORDER BY place
        "#,
        &pids,
        &starts,
    )
    .fetch_all(conn)
    .await?;
    let state = |gone, waits| match (gone, waits) {
        (true, _) => SessionState::Gone,
        (false, true) => SessionState::Waits,
        (false, false) => SessionState::Works,
    };
    Ok(rows.into_iter().map(|row| state(row.gone, row.waits)).collect())
}

#[cfg(test)]
mod tests;
