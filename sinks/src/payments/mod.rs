//! What the servers of payment providers share: misbehaviour on demand, and the sender of webhooks.

pub(crate) mod challenge;
mod faults;
mod outbox;

pub(crate) use faults::Fate;
pub use faults::Fault;
pub(crate) use outbox::{Header, Outbox, Webhook, now};
