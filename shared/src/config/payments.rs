//! The payment provider.

use std::fmt::{self, Display};
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, Key, Mode, Source, address, checked, keys};

/// Who moves the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentProvider {
    Stripe,
    Mollie,
    /// A server of our own for development and tests.
    Simulator,
}

impl FromStr for PaymentProvider {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stripe" => Ok(Self::Stripe),
            "mollie" => Ok(Self::Mollie),
            "simulator" => Ok(Self::Simulator),
            _ => Err("expected stripe, mollie or simulator".to_owned()),
        }
    }
}

impl Display for PaymentProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stripe => "stripe",
            Self::Mollie => "mollie",
            Self::Simulator => "simulator",
        })
    }
}

/// The payment provider and what is said to it. The API has only the webhooks' key, and only the pool that asks it
/// has the other one.
#[derive(Clone, Debug)]
pub struct Payments {
    /// `None`: nobody can pay here.
    pub provider: Option<PaymentProvider>,
    pub url: String,
    /// What the provider knows us by. At Mollie a key for payments and, with a comma between them, an organisation's token for
    /// what goes to sellers.
    pub key: SecretString,
    /// What the provider signs its webhooks with; several, with commas between them, while one is being
    /// replaced, and where a provider has a key for each kind of webhook.
    pub webhook_key: SecretString,
}

impl Payments {
    pub(super) fn read(s: &mut Source, mode: Mode) -> Self {
        let usual = if mode == Mode::Production { None } else { Some(PaymentProvider::Simulator) };
        let provider = match s.text(keys::PAYMENTS_PROVIDER) {
            None => usual,
            Some(_) => Some(s.value(keys::PAYMENTS_PROVIDER, PaymentProvider::Simulator)),
        };
        let url = checked(s, mode, keys::PAYMENTS_URL, &address::HTTP);
        let url = url.map(|url| url.expose_secret().to_owned());
        let payments = Self {
            provider,
            url: url.unwrap_or_else(|| {
                let usual = match provider {
                    Some(PaymentProvider::Stripe) => "https://api.stripe.com",
                    Some(PaymentProvider::Mollie) => "https://api.mollie.com",
                    Some(PaymentProvider::Simulator) | None => "http://127.0.0.1:7327",
                };
                usual.to_owned()
            }),
            key: s.secret(keys::PAYMENTS_KEY).unwrap_or_default(),
            webhook_key: s.secret(keys::PAYMENTS_WEBHOOK_KEY).unwrap_or_default(),
        };
        payments.check(s, mode);
        payments
    }

    fn check(&self, s: &mut Source, mode: Mode) {
        let (key, webhook_key) = (self.key.expose_secret(), self.webhook_key.expose_secret());
        match self.provider {
            // A value that does not parse is a fault already.
            Some(PaymentProvider::Simulator) if mode == Mode::Production => {
                if s.text(keys::PAYMENTS_PROVIDER).as_deref() == Some("simulator") {
                    s.fault(keys::PAYMENTS_PROVIDER.env, "production refuses the simulator");
                }
            }
            Some(PaymentProvider::Stripe) => {
                if !key.is_empty() && !["sk_", "rk_"].iter().any(|kind| key.starts_with(kind)) {
                    s.fault(keys::PAYMENTS_KEY.env, "expected a secret or restricted key of Stripe, sk_… or rk_…");
                }
                if mode == Mode::Development && key.get(2..).is_some_and(|rest| rest.starts_with("_live_")) {
                    s.fault(keys::PAYMENTS_KEY.env, "is for real money, which development refuses");
                }
                if !webhook_key.split(',').all(|key| webhook_key.is_empty() || key.trim().starts_with("whsec_")) {
                    s.fault(keys::PAYMENTS_WEBHOOK_KEY.env, "expected the secret of an endpoint at Stripe, whsec_…");
                }
            }
            Some(PaymentProvider::Mollie) => {
                let (payments, organisation) = key.split_once(',').map_or((key, None), |(key, rest)| (key, Some(rest)));
                let is_key = ["live_", "test_"].iter().any(|kind| payments.trim().starts_with(kind));
                let is_token = organisation.is_none_or(|token| token.trim().starts_with("access_"));
                let is_right = key.is_empty() || (is_key && is_token);
                if !is_right {
                    let expected =
                        "expected a key of Mollie, live_… or test_…, and perhaps an organisation's token, ,access_…";
                    s.fault(keys::PAYMENTS_KEY.env, expected);
                }
                if mode == Mode::Development && payments.trim().starts_with("live_") {
                    s.fault(keys::PAYMENTS_KEY.env, "is for real money, which development refuses");
                }
            }
            Some(PaymentProvider::Simulator) => {}
            None => {
                for (name, set) in [(keys::PAYMENTS_KEY, key), (keys::PAYMENTS_WEBHOOK_KEY, webhook_key)] {
                    if !set.is_empty() {
                        s.fault(name.env, "is set, and PAYMENTS_PROVIDER is not");
                    }
                }
            }
        }
    }

    /// For programs that ask the provider.
    ///
    /// # Errors
    /// If the key is not set.
    pub fn key(&self) -> Result<&SecretString, ConfigError> {
        present(keys::PAYMENTS_KEY, &self.key)
    }

    /// For programs that take webhooks, each of which is signed with one of these.
    ///
    /// # Errors
    /// If there is none.
    pub fn webhook_keys(&self) -> Result<Vec<SecretString>, ConfigError> {
        let list = present(keys::PAYMENTS_WEBHOOK_KEY, &self.webhook_key)?.expose_secret();
        let found: Vec<_> = list.split(',').map(str::trim).filter(|key| !key.is_empty()).map(Into::into).collect();
        if found.is_empty() { Err(ConfigError::of(keys::PAYMENTS_WEBHOOK_KEY, "has no key in it")) } else { Ok(found) }
    }
}

fn present(name: Key, key: &SecretString) -> Result<&SecretString, ConfigError> {
    if key.expose_secret().is_empty() { Err(ConfigError::of(name, "is not set")) } else { Ok(key) }
}
