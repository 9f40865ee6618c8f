//! Conversations: what follows from a message, mail about what nobody reads, and another master key.
//!
//! No job and no mail carries what was written.

mod act;
pub mod mail;
mod notify_unread;
mod rotate_keys;
mod sweep_unread;

pub use act::{WriteError, begin, post};
pub use notify_unread::NotifyUnread;
pub use rotate_keys::RotateKeys;
pub use sweep_unread::SweepUnread;
