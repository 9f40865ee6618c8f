//! The signature of one item of Adyen's webhooks: HMAC-SHA256 in base64, over the item's main fields with
//! colons between them.
//!
//! It covers no time, and neither the whole body nor any mark between fields that hold colons themselves.
//! So it cannot tell an old webhook from a new one, and what it covers is not believed either: each event
//! is stored once, and the provider is asked for the state.
//!
//! How to get this wrong: take the key for text (it is hexadecimal), or believe the amount.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

#[cfg(test)]
mod tests;

/// The fields of an item that are signed, in the order of the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    pub psp_reference: &'a str,
    /// Empty if the item has none.
    pub original_reference: &'a str,
    pub merchant_account: &'a str,
    pub merchant_reference: &'a str,
    /// In Adyen's own minor units.
    pub value: i64,
    pub currency: &'a str,
    pub event_code: &'a str,
    pub success: bool,
}

/// Why an item is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdyenSignatureError {
    #[error("the key for Adyen's webhooks is empty or not hexadecimal")]
    Key,
    #[error("the item's signature is not 32 bytes in base64")]
    Malformed,
    #[error("the signature was not made with our key over this item")]
    Foreign,
}

/// Checks that `signature` was made with `key` (hexadecimal, as Adyen shows it) over `item`.
///
/// # Errors
/// See [`AdyenSignatureError`].
pub fn check(key: &str, signature: &str, item: &Signed<'_>) -> Result<(), AdyenSignatureError> {
    let key = hex::decode(key).ok().filter(|key| !key.is_empty()).ok_or(AdyenSignatureError::Key)?;
    let signature = STANDARD.decode(signature).ok().filter(|signature| signature.len() == 32);
    let signature = signature.ok_or(AdyenSignatureError::Malformed)?;
    let mut code = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| AdyenSignatureError::Key)?;
    code.update(words(item).as_bytes());
    code.verify_slice(&signature).map_err(|_| AdyenSignatureError::Foreign)
}

fn words(item: &Signed<'_>) -> String {
    let references = [item.psp_reference, item.original_reference, item.merchant_account, item.merchant_reference];
    let mut words = references.join(":");
    // Writing to a string cannot fail.
    let _ = write!(words, ":{}:{}:{}:{}", item.value, item.currency, item.event_code, item.success);
    words
}
