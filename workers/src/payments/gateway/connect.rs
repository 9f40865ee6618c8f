//! The gateway that the settings name.

use std::sync::Arc;

use shared::config::{ConfigError, PaymentProvider, Payments};
use url::Url;

use super::{Addresses, ClientError, Gateway, MollieGateway, SimulatorGateway, StripeGateway};
use crate::http::url;

#[cfg(test)]
mod tests;

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("{name} is not an address")]
    Url { name: &'static str, source: url::ParseError },
    #[error("the client of the payment provider")]
    Client(#[from] ClientError),
}

/// The gateway of `settings`, for an installation that people reach at `public_url`; `None` if nobody can pay here. It connects
/// when it is first used.
///
/// # Errors
/// See [`ConnectError`].
pub fn connect(settings: &Payments, public_url: &str) -> Result<Option<Arc<dyn Gateway>>, ConnectError> {
    let Some(provider) = settings.provider else { return Ok(None) };
    let (url, key) = (address("PAYMENTS_URL", &settings.url)?, settings.key()?.clone());
    let back = address("PUBLIC_URL", public_url)?;
    Ok(Some(match provider {
        PaymentProvider::Stripe => Arc::new(StripeGateway::new(url, key, back)?),
        PaymentProvider::Mollie => Arc::new(MollieGateway::new(url, &key, addresses(back))?),
        PaymentProvider::Simulator => Arc::new(SimulatorGateway::new(url, key, back)?),
    }))
}

/// Mollie refuses a payment whose webhooks have an address that it cannot reach, such as one of this machine.
fn addresses(back: Url) -> Addresses {
    let webhooks = (back.scheme() == "https").then(|| url(&back, &["v1", "webhooks", "mollie"]));
    Addresses { back, webhooks }
}

fn address(name: &'static str, text: &str) -> Result<Url, ConnectError> {
    Url::parse(text).map_err(|source| ConnectError::Url { name, source })
}
