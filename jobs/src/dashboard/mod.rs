//! What sellers see of their listings.

pub mod mail;
