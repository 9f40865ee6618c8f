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
    /// How long a look may take: a database host that has vanished answers nothing at all, and what is watched must not wait for it when
    /// another one has taken its place.
    const LIMIT: Duration = Duration::from_secs(10);

    /// What is watched now.
    fn watched(state: &AppState) -> Vec<Self::Id> {
        watched_ids(state, Self::PREFIX)
    }

    /// One look at the things that are watched now. What it remembers of them is forgotten when nothing is watched any more. May be given
    /// up wherever it waits.
    fn look(&mut self, state: &AppState, watched: &[Self::Id]) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// The things that are watched by topics which begin with `prefix`.
pub(crate) fn watched_ids<Id: FromStr>(state: &AppState, prefix: &str) -> Vec<Id> {
    state.hub.watched(prefix).iter().filter_map(|topic| topic.strip_prefix(prefix)?.parse().ok()).collect()
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
        let watched = W::watched(&state);
        if watched.is_empty() {
            watcher = W::default();
            continue;
        }
        let looked = tokio::time::timeout(W::LIMIT, watcher.look(&state, &watched)).await;
        if let Err(error) = looked.unwrap_or_else(|late| Err(late.into())) {
            tracing::warn!(topics = W::PREFIX, %error, "what is watched could not be read");
        }
    }
}

#[cfg(test)]
mod tests;
