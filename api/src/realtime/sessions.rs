//! Closes the sockets of sessions that have ended (suspended, logged out, expired), and tells the others what their people may do
//! now.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use market::identity::store::{self, Authority, SessionRef};
use market::ids::SessionId;

use crate::state::AppState;

/// A suspended person's sockets close within five seconds: two rounds and their statements fit in.
const EVERY: Duration = Duration::from_secs(2);
/// How long a round may take. One that hangs keeps the next from asking.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn watch(state: AppState) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = state.shutdown.cancelled() => return,
        }
        let sessions = state.hub.sessions();
        if sessions.is_empty() {
            continue;
        }
        match authorities(&state, &sessions).await {
            Ok(now) => state.hub.authorize(&sessions, &now),
            // Without the database nothing changes for the sockets either; the next round asks again.
            Err(error) => tracing::warn!(%error, "sessions were not checked"),
        }
    }
}

/// Asks on a connection of the reads that requests begin with: slow requests may have taken all the others.
async fn authorities(state: &AppState, sessions: &[SessionRef]) -> anyhow::Result<HashMap<SessionId, Authority>> {
    let asked = async {
        let mut conn = state.reads.acquire().await?;
        let now = store::authorities(&mut conn, sessions).await?;
        conn.give_back();
        anyhow::Ok(now)
    };
    tokio::time::timeout(PATIENCE, asked).await.context("no answer in time")?
}
