//! Stock.

pub mod mail;
