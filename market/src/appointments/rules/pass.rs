//! Passes: 128 random bits in Crockford's base 32.

use sha2::{Digest, Sha256};

/// The digits: no I, L, O and U, which are mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PREFIX: &str = "TP";
const LENGTH: usize = 26;

/// The pass of these random bytes.
#[must_use]
pub fn pass(random: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(random);
    let digits = (0..LENGTH).rev().map(|place| ((bits >> (5 * place)) & 31).to_le_bytes()[0]);
    PREFIX.chars().chain(digits.map(|value| char::from(DIGITS[usize::from(value & 31)]))).collect()
}

/// What is kept of a pass that somebody scans or types. One round is enough: it is random, not a password. What has not the form of a
/// pass is nobody's.
#[must_use]
pub fn hash(typed: &str) -> Option<Vec<u8>> {
    let pass = typed.trim().to_ascii_uppercase();
    let digits = pass.strip_prefix(PREFIX).filter(|digits| digits.len() == LENGTH)?;
    digits.bytes().all(|digit| DIGITS.contains(&digit)).then(|| Sha256::digest(pass.as_bytes()).to_vec())
}

#[cfg(test)]
mod tests;
