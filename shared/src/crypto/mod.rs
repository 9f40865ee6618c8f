//! Cryptography: the hashes of passwords.

pub mod password;
