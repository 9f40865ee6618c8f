//! Decisions about payments, without a database and without a network.

pub mod notice;
pub mod signature;
