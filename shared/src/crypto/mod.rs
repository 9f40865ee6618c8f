//! Cryptography: the hashes of passwords, and secrets that the database keeps sealed.

pub mod password;
pub mod seal;
