//! Password hashes. CPU-bound on purpose: call these on a blocking thread, and few at a time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The most that bcrypt reads; longer passwords are hashed first, so that their tails count.
const BCRYPT_BYTES: usize = 72;

/// The password does not meet the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has at least {MIN_CHARS} characters and at most {MAX_BYTES} bytes")]
pub struct Weak;

/// The fewest characters of a new password.
pub const MIN_CHARS: usize = 10;
/// The most bytes of a password; nobody types more, and hashing has to end.
pub const MAX_BYTES: usize = 1024;

/// Checks the rules for new passwords: only their length counts, as the standards demand, and not
/// the kinds of characters.
pub fn check(password: &str) -> Result<(), Weak> {
    if password.chars().count() >= MIN_CHARS && password.len() <= MAX_BYTES { Ok(()) } else { Err(Weak) }
}

/// Hashes a password at `cost` (4 to 31; each step doubles the work).
pub fn hash(password: &str, cost: u32) -> Result<String, bcrypt::BcryptError> {
    bcrypt::hash(shortened(password), cost)
}

/// Whether the password matches the hash. A hash that cannot be read matches no password.
#[must_use]
pub fn verify(password: &str, hash: &str) -> bool {
    password.len() <= MAX_BYTES && bcrypt::verify(shortened(password), hash).unwrap_or(false)
}

/// Does the work of [`verify`] for an account that does not exist, so that both take equally long.
pub fn verify_nobody(password: &str, cost: u32) {
    // Well-formed, and the hash of no known password.
    let hash = format!("$2b${cost:02}$zZzZzZzZzZzZzZzZzZzZzOzZzZzZzZzZzZzZzZzZzZzZzZzZzZzZe");
    let _ = verify(password, &hash);
}

/// Whether the hash was made at another cost and should be made again at the next login.
#[must_use]
pub fn is_outdated(hash: &str, cost: u32) -> bool {
    hash.split('$').nth(2).and_then(|text| text.parse().ok()) != Some(cost)
}

fn shortened(password: &str) -> Vec<u8> {
    if password.len() <= BCRYPT_BYTES {
        return password.as_bytes().to_vec();
    }
    // Base64, because bcrypt takes a zero byte for the end.
    STANDARD.encode(Sha256::digest(password.as_bytes())).into_bytes()
}

#[cfg(test)]
mod tests;
