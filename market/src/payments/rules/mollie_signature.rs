//! The signature of Mollie's next-gen webhooks: HMAC-SHA256 over the body as it came, in hexadecimal, in the header
//! `X-Mollie-Signature` (docs.mollie.com/reference/webhooks-best-practices, "How to verify HMAC signature"), with or without
//! `sha256=` before it: Mollie's page shows it bare, its own library for PHP takes both.
//!
//! It covers no time, so that it cannot tell an old webhook from a new one: each event is stored once, and the provider is
//! asked for the state.
//!
//! How to get this wrong: check it over a body that was parsed and written again; compare it with `==`; take a webhook for
//! authentic because no header says that it is not.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::signature::{MAX_SIGNATURES, SignatureError};

#[cfg(test)]
mod tests;

/// Checks that one of `headers` was made with `key` over `body`. There are two while Mollie replaces a key.
///
/// # Errors
/// See [`SignatureError`].
pub fn check(key: &[u8], headers: &[&str], body: &[u8]) -> Result<(), SignatureError> {
    if key.is_empty() {
        return Err(SignatureError::EmptyKey);
    }
    if headers.len() > MAX_SIGNATURES {
        return Err(SignatureError::TooMany);
    }
    let mut code = Hmac::<Sha256>::new_from_slice(key).map_err(|_| SignatureError::EmptyKey)?;
    code.update(body);
    let signatures: Vec<_> = headers.iter().filter_map(|header| parse(header)).collect();
    if signatures.is_empty() {
        return Err(SignatureError::Missing);
    }
    // `verify_slice` takes the same time wherever the first different byte is.
    if signatures.iter().any(|signature| code.clone().verify_slice(signature).is_ok()) {
        Ok(())
    } else {
        Err(SignatureError::Foreign)
    }
}

fn parse(header: &str) -> Option<[u8; 32]> {
    let mut signature = [0; 32];
    let header = header.trim();
    hex::decode_to_slice(header.strip_prefix("sha256=").unwrap_or(header), &mut signature).ok()?;
    Some(signature)
}
