//! Codes that change with time (RFC 6238), as authenticator apps make them: HMAC-SHA-1, steps of 30 seconds, six digits.
//!
//! No other ones are made by every app. That collisions of SHA-1 can be found does no harm here: they do not help against an HMAC.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use secrecy::{SecretSlice, SecretString};

/// The bytes of a secret: as many as the hash has.
pub const SECRET_BYTES: usize = 20;
/// How long a code is shown.
pub const STEP_SECONDS: i64 = 30;
/// How many digits a code has.
pub const DIGITS: usize = 6;
/// How many steps the two clocks may be apart, either way.
pub const TOLERANCE: i64 = 1;

/// What apps call the letters of a secret: base 32 of RFC 4648.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret.
#[must_use]
pub fn generate() -> SecretSlice<u8> {
    SecretSlice::from(rand::random::<[u8; SECRET_BYTES]>().to_vec())
}

/// The number of the step that a time is in, in seconds since 1970.
#[must_use]
pub const fn step_at(seconds: i64) -> i64 {
    seconds.div_euclid(STEP_SECONDS)
}

/// The code of a step.
#[must_use]
pub fn code(secret: &[u8], step: i64) -> String {
    format!("{:06}", number(secret, step) % 1_000_000)
}

/// What RFC 4226 makes the digits of: 31 bits of the hash, from a place that the hash itself names.
fn number(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let hash = hmac::sign(&key, &step.to_be_bytes());
    let hash = hash.as_ref();
    let place = hash.last().map_or(0, |last| usize::from(last & 0xf));
    let bytes = hash.get(place..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}

/// The step near `now` that has this code; of steps up to `used` none, so that a code works once.
#[must_use]
pub fn matching_step(secret: &[u8], given: &str, now: i64, used: Option<i64>) -> Option<i64> {
    (now - TOLERANCE..=now + TOLERANCE)
        .filter(|step| used.is_none_or(|used| *step > used))
        .find(|step| code(secret, *step) == given)
}

/// Bytes in base 32, as people type them.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let byte = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let letters = (bytes.len() * 8).div_ceil(5);
    let letter = |number: usize| {
        let bit = number * 5;
        let two = u16::from_be_bytes([byte(bit / 8), byte(bit / 8 + 1)]);
        char::from(LETTERS[usize::from((two >> (11 - bit % 8)) & 31)])
    };
    (0..letters).map(letter).collect()
}

/// What apps read from a QR code: the secret, of whose account, where.
#[must_use]
pub fn uri(secret: &[u8], issuer: &str, account: &str) -> SecretString {
    let [issuer, account] = [issuer, account].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    let secret = base32(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )
    .into()
}

#[cfg(test)]
mod tests;
