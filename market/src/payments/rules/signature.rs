//! The signature of a webhook whose header is `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over the
//! time, a full stop and the body as it was sent. Stripe signs so, and so does the simulator.
//!
//! How to get this wrong: check the signature over a body that was parsed and written again, compare
//! it byte by byte with `==`, or believe the time before the signature that covers it.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

#[cfg(test)]
mod tests;

/// How far the time of a signature may be from ours, in either direction.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The most signatures that a header may hold: a provider sends two while its key is being replaced.
pub const MAX_SIGNATURES: usize = 8;

/// Why a webhook is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the key for the signatures of webhooks is empty")]
    EmptyKey,
    #[error("the signature's header has no time `t` in whole seconds, or more than one")]
    Time,
    #[error("the signature's header has no signature `v1` of 64 hexadecimal digits")]
    Missing,
    #[error("the signature's header has more than {MAX_SIGNATURES} signatures `v1`")]
    TooMany,
    #[error("the signature was not made with our key over this body")]
    Foreign,
    #[error("the signature's time is more than 5 minutes from now")]
    Old,
}

/// The header for `body`, signed at `at`.
///
/// # Errors
/// [`SignatureError::EmptyKey`].
pub fn sign(key: &[u8], body: &[u8], at: DateTime<Utc>) -> Result<String, SignatureError> {
    let seconds = at.timestamp();
    let code = code(key, seconds, body)?.finalize().into_bytes();
    Ok(format!("t={seconds},v1={}", hex::encode(code)))
}

/// Checks that `header` holds a signature made with `key` over `body`, not long before or after `now`.
///
/// # Errors
/// See [`SignatureError`].
pub fn check(key: &[u8], header: &str, body: &[u8], now: DateTime<Utc>) -> Result<(), SignatureError> {
    let (seconds, signatures) = parse(header)?;
    let code = code(key, seconds, body)?;
    // `verify_slice` takes the same time wherever the first different byte is.
    if !signatures.iter().any(|signature| code.clone().verify_slice(signature).is_ok()) {
        return Err(SignatureError::Foreign);
    }
    let at = DateTime::from_timestamp(seconds, 0).ok_or(SignatureError::Time)?;
    if now.signed_duration_since(at).abs() > TOLERANCE {
        return Err(SignatureError::Old);
    }
    Ok(())
}

/// The time and the signatures of a header. Names that we do not know are passed over: a provider
/// adds versions.
fn parse(header: &str) -> Result<(i64, Vec<[u8; 32]>), SignatureError> {
    let mut seconds = None;
    let mut signatures = Vec::new();
    for (name, value) in header.split(',').filter_map(|part| part.split_once('=')) {
        match name.trim() {
            "t" => {
                let time = value.trim().parse().map_err(|_| SignatureError::Time)?;
                if seconds.replace(time).is_some() {
                    return Err(SignatureError::Time);
                }
            }
            "v1" => {
                if signatures.len() == MAX_SIGNATURES {
                    return Err(SignatureError::TooMany);
                }
                let mut signature = [0; 32];
                hex::decode_to_slice(value.trim(), &mut signature).map_err(|_| SignatureError::Missing)?;
                signatures.push(signature);
            }
            _ => {}
        }
    }
    let seconds = seconds.ok_or(SignatureError::Time)?;
    if signatures.is_empty() {
        return Err(SignatureError::Missing);
    }
    Ok((seconds, signatures))
}

fn code(key: &[u8], seconds: i64, body: &[u8]) -> Result<Hmac<Sha256>, SignatureError> {
    if key.is_empty() {
        return Err(SignatureError::EmptyKey);
    }
    let mut code = Hmac::<Sha256>::new_from_slice(key).map_err(|_| SignatureError::EmptyKey)?;
    code.update(seconds.to_string().as_bytes());
    code.update(b".");
    code.update(body);
    Ok(code)
}
