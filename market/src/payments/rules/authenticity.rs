//! Whether a webhook may be believed so far as to ask its provider about what it names.

use chrono::{DateTime, Utc};

use super::signature::SignatureError;
use super::{mollie_signature, notice, signature};
use crate::payments::Provider;

#[cfg(test)]
mod tests;

/// The header in which `provider` signs.
#[must_use]
pub const fn header(provider: Provider) -> &'static str {
    match provider {
        Provider::Stripe => "stripe-signature",
        Provider::Mollie => "x-mollie-signature",
        Provider::Simulator => "simulator-signature",
    }
}

/// Checks the values of that header, made with one of `keys` over `body`: several, while one is being replaced.
///
/// Mollie does not sign its classic webhooks, which name a payment and say nothing of it: anybody may have the provider
/// asked about a payment (docs.mollie.com/reference/webhooks). Whatever says more needs a signature.
///
/// # Errors
/// Those of the first key, see [`SignatureError`].
pub fn check(
    provider: Provider,
    keys: &[&[u8]],
    signatures: &[&str],
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    if provider == Provider::Mollie && signatures.is_empty() && notice::classic(body).is_some() {
        return Ok(());
    }
    let one = |key: &[u8]| match provider {
        Provider::Mollie => mollie_signature::check(key, signatures, body),
        Provider::Stripe | Provider::Simulator => {
            signature::check(key, signatures.first().copied().unwrap_or_default(), body, now)
        }
    };
    let mut checks = keys.iter().map(|key| one(key));
    let first = checks.next().unwrap_or(Err(SignatureError::EmptyKey));
    if first.is_ok() || checks.any(|check| check.is_ok()) { Ok(()) } else { first }
}
