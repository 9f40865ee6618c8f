//! People and their organisations.

pub mod mail;
