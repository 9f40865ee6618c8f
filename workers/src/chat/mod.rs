//! Conversations that nobody reads, and their keys.

mod notify_unread;
mod rotate_keys;
mod sweep_unread;
#[cfg(test)]
mod tests;
