//! The gateway that the settings name.

use std::sync::Arc;

use shared::config::{ConfigError, PaymentProvider, Payments};
use url::Url;

use super::{ClientError, Gateway, SimulatorGateway, StripeGateway};

#[cfg(test)]
mod tests;

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("PAYMENTS_URL is not an address")]
    Url(#[from] url::ParseError),
    #[error("the client of the payment provider")]
    Client(#[from] ClientError),
}

/// The gateway of `settings`; `None` if nobody can pay here. It connects when it is first used.
///
/// # Errors
/// See [`ConnectError`].
pub fn connect(settings: &Payments) -> Result<Option<Arc<dyn Gateway>>, ConnectError> {
    let Some(provider) = settings.provider else { return Ok(None) };
    let (url, key) = (Url::parse(&settings.url)?, settings.key()?.clone());
    Ok(Some(match provider {
        PaymentProvider::Stripe => Arc::new(StripeGateway::new(url, key)?),
        PaymentProvider::Simulator => Arc::new(SimulatorGateway::new(url, key)?),
    }))
}
