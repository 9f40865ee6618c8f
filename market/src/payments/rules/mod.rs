//! Decisions about payments, without a database and without a network.

pub mod authenticity;
pub mod mollie_signature;
pub mod notice;
pub mod signature;
