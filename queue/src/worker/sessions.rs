//! Attempts whose connection to the database leads nowhere any more.
//!
//! A handler's statement may take minutes, so its connection has no limit of its own. When the host behind it vanishes, nothing comes
//! back: no answer, no reset, until the attempt's time is up, which for a long job is an hour. The engine's own connections are soon
//! replaced, and they are used to ask: a session that the server does not know is lost at once; one of which the server says that
//! it waits for the next statement, while the attempt waits for an answer, is lost after a while.
//!
//! # How to get this wrong
//! - Counting from when the attempt last used its connection: a statement that took minutes has just been answered. It counts from
//!   when the session was first seen waiting.
//! - Reading times from `pg_stat_activity`: the server's clock may be set.

use std::time::Duration;

use sqlx::PgConnection;

use super::engine::Engine;
use super::running::StopReason;
use crate::ledger::sessions::session_states;

/// How long an attempt must hold its connection without using it before the server is asked.
const QUIET: Duration = Duration::from_secs(10);
/// How long the server may wait for an attempt that holds its connection. A handler gives it back before it waits for anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops the attempts whose sessions are lost. They fail, and are tried again as after any other failure.
pub(super) async fn give_up_lost_sessions<S>(engine: &Engine<S>, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let quiet = engine.running.quiet(QUIET);
    if quiet.is_empty() {
        return Ok(());
    }
    let sessions: Vec<_> = quiet.iter().map(|(_, quiet)| quiet.session).collect();
    let states = session_states(conn, &sessions).await?;
    let lost = quiet
        .iter()
        .zip(states)
        .filter(|((attempt, quiet), state)| attempt.connection.is_lost(quiet, *state, PATIENCE));
    let lost: Vec<_> = lost.map(|((attempt, _), _)| attempt.fence.job).collect();
    if !lost.is_empty() {
        tracing::warn!(jobs = ?lost, "stopping attempts whose connection to the database does not answer");
        engine.running.stop(&lost, StopReason::SessionLost);
    }
    Ok(())
}
