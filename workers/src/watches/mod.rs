//! Watches: people hear about the listings that they keep an eye on.

mod notify_watchers;
#[cfg(test)]
mod tests;
