//! Watchers: they read what sockets of this process watch and nobody publishes, a few times a second, in one statement.

use std::str::FromStr;
use std::time::Duration;

use crate::state::AppState;

/// Reads the watched things of one kind, and delivers what is new of them.
pub(crate) trait Watcher: Default + Send {
    type Id: FromStr + Send + Sync;

    /// What the topics of this kind begin with, such as `job:`.
    const PREFIX: &'static str;
    const EVERY: Duration;

    /// One look at the things that are watched now. What it remembers of them is forgotten when nothing is watched any more.
    fn look(&mut self, state: &AppState, watched: &[Self::Id]) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Looks again and again, until the process ends.
pub(crate) async fn watch<W: Watcher>(state: AppState) {
    let mut every = tokio::time::interval(W::EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watcher = W::default();
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = state.shutdown.cancelled() => return,
        }
        let topics = state.hub.watched(W::PREFIX);
        let watched: Vec<W::Id> =
            topics.iter().filter_map(|topic| topic.strip_prefix(W::PREFIX)?.parse().ok()).collect();
        if watched.is_empty() {
            watcher = W::default();
        } else if let Err(error) = watcher.look(&state, &watched).await {
            tracing::warn!(topics = W::PREFIX, %error, "what is watched could not be read");
        }
    }
}
