//! The form in which a secret is handed over (Standard Webhooks, "Secret": base64 behind `whsec_`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How long ours are; the standard asks for 24 to 64 bytes.
pub const BYTES: usize = 32;
const PREFIX: &str = "whsec_";

pub(in crate::carriers) fn show(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The bytes of a secret as it was handed over; `None` if it is not one.
#[must_use]
pub fn read(shown: &str) -> Option<Vec<u8>> {
    STANDARD.decode(shown.strip_prefix(PREFIX)?).ok()
}
