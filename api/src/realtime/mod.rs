//! `WebSocket`s: clients subscribe to topics and are told of changes within a moment.
//!
//! Events come from Redis (or the in-process channel) through one [`feed`] a process into the [`hub`], which fans them out to
//! the sockets. What can be watched is a kind of [`topic`]. Most kinds, such as jobs, stock and orders, are not published by anybody:
//! their watchers read the watched rows. What was committed and, because a process died or Redis was away, never published, the watcher
//! of auctions finds. The [`sessions`] watcher closes the sockets of sessions that have ended. Many who come at once are let in, and
//! take their snapshots, at a pace that leaves room for bids ([`admission`]).
//!
//! # How to get this wrong
//! - Taking a snapshot before registering with the hub: a change in between is missed.
//! - Waiting for a slow client: everybody behind it waits too. Its queue is short, and when it is full it is dropped.
//! - Believing that events arrive: after every break of the feed all sockets take snapshots.
//! - Believing that who might see a topic still may: when that changes, be it the person's authority or the thing, sockets look again
//!   ([`hub::Hub::recheck`]), and an event never carries what not everybody may see who ever could subscribe.

pub(crate) mod admission;
mod feed;
pub mod hub;
mod sessions;
mod socket;
pub mod topic;
pub(crate) mod watch;

pub(crate) use socket::run as run_socket;

use crate::state::AppState;
use topic::Topics;

/// Starts the background tasks; they end with the process.
pub(crate) fn start(state: &AppState, topics: Topics) {
    tokio::spawn(feed::run(state.clone(), topics));
    for kind in topics.0 {
        tokio::spawn(kind.watch(state.clone()));
    }
    tokio::spawn(sessions::watch(state.clone()));
}

#[cfg(test)]
pub(crate) mod tests;
