//! Watches: people hear about the listings that they keep an eye on. That an auction ends soon they hear with its bidders.

pub mod mail;
mod notify_watchers;

pub use notify_watchers::{NotifyWatchers, WatchNews};
