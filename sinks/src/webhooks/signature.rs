//! Checks a webhook as its receiver does, by Standard Webhooks 1.0 ("Signature scheme") and with none of the sender's code: HMAC-SHA256 over
//! its id, its time and its body with full stops between them, in base64 behind `v1,`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::Sent;

impl Sent {
    /// Whether one of its signatures was made with this secret, which is in the form in which it is handed over (`whsec_…`). How old it is
    /// is not asked: whoever keeps the ids knows what comes again.
    #[must_use]
    pub fn is_signed_with(&self, secret: &SecretString) -> bool {
        let key = secret.expose_secret().strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let Some(code) = key.and_then(|key| self.code(&key)) else { return false };
        let mut made =
            self.signature.split_ascii_whitespace().filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        made.any(|signature| code.clone().verify_slice(&signature).is_ok())
    }

    fn code(&self, key: &[u8]) -> Option<Hmac<Sha256>> {
        let mut code = Hmac::<Sha256>::new_from_slice(key).ok()?;
        for part in [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body.as_ref()] {
            code.update(part);
        }
        Some(code)
    }
}
