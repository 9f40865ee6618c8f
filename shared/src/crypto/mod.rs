//! Cryptography: the hashes of passwords, secrets that the database keeps sealed, and codes that change with time.

pub mod password;
pub mod seal;
pub mod totp;
