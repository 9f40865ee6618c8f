//! Closes the sockets of sessions that have ended (suspended, logged out, expired), and tells the others what their people may do
//! now.

use std::time::Duration;

use market::identity::store;

use crate::state::AppState;

/// A suspended person's sockets close within five seconds: two rounds and their statements fit in.
const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn watch(state: AppState) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = state.shutdown.cancelled() => return,
        }
        let sessions = state.hub.sessions();
        if sessions.is_empty() {
            continue;
        }
        let now = async {
            let mut conn = state.db.acquire().await?;
            store::authorities(&mut conn, &sessions).await
        };
        match now.await {
            Ok(now) => state.hub.authorize(&sessions, &now),
            // Without the database nothing changes for the sockets either; the next round asks again.
            Err(error) => tracing::warn!(%error, "sessions were not checked"),
        }
    }
}
