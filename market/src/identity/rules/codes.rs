//! Codes that people type as the second factor of a login: those of an app, and recovery codes for whoever has lost the app.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use shared::crypto::totp;

use crate::ids::EnrolmentId;

/// How many recovery codes a person is given at once.
pub const RECOVERY_CODES: usize = 10;
/// The random bytes of a recovery code: too many to guess, even with its hash at hand.
const BYTES: usize = 10;
/// The letters that those are written with.
const LETTERS: usize = 16;
/// How many letters stand between two hyphens.
const GROUP: usize = 4;

/// What is stored of a recovery code. One round is enough: it is random, not a password.
pub type RecoveryHash = [u8; 32];

/// A code as somebody has typed it, without what people put between letters.
#[derive(Clone, Debug)]
pub enum Given {
    /// Six digits.
    App(SecretString),
    Recovery(SecretString),
}

impl Given {
    /// Reads a code; `None` if none looks like this.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let code: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>().to_ascii_uppercase();
        if code.len() == totp::DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::App(code.into()));
        }
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
        (code.len() == LETTERS && code.bytes().all(is_letter)).then(|| Self::Recovery(code.into()))
    }
}

/// Makes a recovery code, as it is shown, and its hash.
pub(in crate::identity) fn recovery_code(enrolment: EnrolmentId) -> (SecretString, RecoveryHash) {
    let letters = totp::base32(&rand::random::<[u8; BYTES]>());
    let hash = recovery_hash(enrolment, &letters.clone().into());
    let mut shown = String::with_capacity(LETTERS + LETTERS / GROUP);
    for (place, letter) in letters.chars().enumerate() {
        if place > 0 && place.is_multiple_of(GROUP) {
            shown.push('-');
        }
        shown.push(letter);
    }
    (shown.into(), hash)
}

/// The hash of a recovery code's letters.
pub(in crate::identity) fn recovery_hash(enrolment: EnrolmentId, letters: &SecretString) -> RecoveryHash {
    Sha256::digest(format!("recovery code {enrolment} {}", letters.expose_secret())).into()
}

#[cfg(test)]
mod tests;
