//! Decisions about payments, without a database and without a network.

pub mod adyen_signature;
pub mod notice;
pub mod signature;
