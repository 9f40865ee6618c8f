//! The signature of a carrier's webhook, by Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, "Signature
//! scheme"): HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the body as it was sent, with full stops between them, in
//! base64 behind `v1,`. Several stand with spaces between them, while the sender's secret is being replaced.
//!
//! # How to get this wrong
//! - Checking it over a body that was parsed and written again.
//! - Comparing it with `==`, which tells by its time how much of a guess is right.
//! - Believing the time, or answering about it, before the signature that covers it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

#[cfg(test)]
mod tests;

/// How far the time of a webhook may be from ours, in either direction.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The most signatures that one webhook may have.
pub const MAX_SIGNATURES: usize = 8;

/// The longest id of a webhook.
pub const MAX_ID: usize = 255;

/// The headers, by their names.
pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";

const VERSION: &str = "v1,";

/// The values of the three headers, empty where one is missing.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    pub id: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
}

/// Why a webhook is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or is not of its form: its name, and what was expected.
    #[error("{0}: {1}")]
    Header(&'static str, &'static str),
    /// No key has made any of the signatures. There may be no key at all.
    #[error(
        "no {SIGNATURE} was made with the secret of this address over {ID}, {TIMESTAMP} and the body as it was sent"
    )]
    Foreign,
    /// Well signed, but this much before our clock; negative: after it.
    #[error("{TIMESTAMP} is {}; at most {} s are allowed", apart(*.0), TOLERANCE.num_seconds())]
    Time(TimeDelta),
}

fn apart(behind: TimeDelta) -> String {
    let seconds = behind.num_seconds();
    if seconds < 0 { format!("{} s ahead of our clock", -seconds) } else { format!("{seconds} s behind our clock") }
}

/// The value of [`SIGNATURE`] for a webhook that is sent at `at`.
#[must_use]
pub fn sign(key: &[u8], id: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    let code = code(key, id, &at.timestamp().to_string(), body);
    // A key may have any length.
    code.map(|code| format!("{VERSION}{}", STANDARD.encode(code.finalize().into_bytes()))).unwrap_or_default()
}

/// Checks that one of the signatures was made with one of `keys`, not long before or after `now`.
///
/// # Errors
/// See [`SignatureError`].
pub fn check(keys: &[&[u8]], headers: Headers<'_>, body: &[u8], now: DateTime<Utc>) -> Result<(), SignatureError> {
    let Headers { id, timestamp, signature } = headers;
    if !(1..=MAX_ID).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SignatureError::Header(ID, "expected 1 to 255 visible ASCII characters"));
    }
    let is_number = (1..=15).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let at = timestamp.parse().ok().filter(|_| is_number).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let at = at.ok_or(SignatureError::Header(TIMESTAMP, "expected whole seconds since 1970"))?;
    let signatures: Vec<&str> = signature.split_ascii_whitespace().collect();
    if !(1..=MAX_SIGNATURES).contains(&signatures.len()) {
        return Err(SignatureError::Header(
            SIGNATURE,
            "expected 1 to 8 signatures such as v1,K5oZ… with spaces between them",
        ));
    }
    // Of another version, or not in base64, is not ours.
    let known = signatures.iter().filter_map(|one| STANDARD.decode(one.strip_prefix(VERSION)?).ok());
    let known: Vec<Vec<u8>> = known.collect();
    let is_ours = keys.iter().any(|key| {
        let Some(code) = code(key, id, timestamp, body) else { return false };
        // `verify_slice` takes the same time wherever the first different byte is.
        known.iter().any(|signature| code.clone().verify_slice(signature).is_ok())
    });
    if !is_ours {
        return Err(SignatureError::Foreign);
    }
    let behind = now.signed_duration_since(at);
    if behind.abs() > TOLERANCE { Err(SignatureError::Time(behind)) } else { Ok(()) }
}

fn code(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        code.update(part);
    }
    Some(code)
}
