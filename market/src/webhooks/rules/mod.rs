//! Decisions about webhooks, without a database and without a network.

pub mod attempt;
pub mod message;
pub mod reach;
