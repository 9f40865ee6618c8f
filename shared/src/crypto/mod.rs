//! What is hashed and encrypted.

pub mod password;
