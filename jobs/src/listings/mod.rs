//! Listings.

pub mod mail;
