//! How a key looks, and how it is recognised.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How every key begins, so that programs that look for lost secrets find it.
pub const BEGINNING: &str = "ty_";
/// How many characters of a key are shown after it was made.
const SHOWN: usize = BEGINNING.len() + 8;
/// A key's random bytes, and the characters that they are written with.
const BYTES: usize = 32;
const LENGTH: usize = BEGINNING.len() + 43;

/// How long the key before goes on working after it was replaced.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// What is stored of a key. One round is enough: a key is random, not a password.
pub type KeyHash = [u8; 32];

/// Makes a new key, and its hash.
#[must_use]
pub fn generate() -> (SecretString, KeyHash) {
    let random: [u8; BYTES] = rand::random();
    let key = format!("{BEGINNING}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = digest(&key);
    (key.into(), hash)
}

fn digest(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// Whether a text is meant to be a key, good or not.
#[must_use]
pub fn is_meant(text: &str) -> bool {
    text.starts_with(BEGINNING)
}

/// The hash of a key; `None` if no key looks like this.
#[must_use]
pub fn hash(text: &str) -> Option<KeyHash> {
    let random = text.strip_prefix(BEGINNING).filter(|_| text.len() == LENGTH)?;
    let is_ours = random.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_ours.then(|| digest(text))
}

/// How the key begins.
pub(super) fn prefix(key: &SecretString) -> String {
    key.expose_secret().chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
