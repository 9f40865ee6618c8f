//! The payment gateway: one trait before every provider.
//!
//! A caller writes down what it will do and the key that it will use, commits, calls, and records the
//! answer. After [`GatewayError::Unknown`] it asks [`Gateway::find`] with the same key before it calls
//! again: the provider may have done it.
//!
//! How to get this wrong: take an answer that was lost for one that refused; make a new key for a new
//! try; believe the body of a webhook instead of reading [`Gateway::payment`].

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use hyper::StatusCode;
use market::payments::{
    Account, Call, Charge, Disbursement, Found, NewAccount, Payment, PaymentPage, Provider, ProviderRef,
};
use shared::money::Money;

use crate::http::SendError;

pub use crate::http::ClientError;
pub use connect::{ConnectError, connect};
pub use exponents::AmountError;
pub use mollie::{Addresses, MollieGateway};
pub use simulator::SimulatorGateway;
pub use stripe::StripeGateway;

#[cfg(test)]
mod conformance;
mod connect;
pub mod exponents;
mod mollie;
mod simulator;
mod stripe;

/// How long a provider may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Why a call has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The provider did not do it, and says why. The same key is refused again, whatever changes; a new
    /// try needs a new key.
    #[error("the provider refused: {code}")]
    Refused { code: String },
    /// The provider did not do it, because it does not know our key or our key may not do this: for
    /// people to mend. The call is right, and is made again afterwards.
    #[error("the provider does not let us in: {code}")]
    Denied { code: String },
    /// Nobody knows whether the provider did it: no answer, half of one, or one that says that the
    /// provider itself failed.
    #[error("it is not known whether the provider did it: {what}")]
    Unknown { what: String },
    /// The provider did not do it, or is still at it because it was asked twice, and wants to be asked
    /// again later, with the same key.
    #[error("the provider is busy for {} s", after.as_secs())]
    Busy { after: Duration },
    /// Nothing was sent: the amount cannot be said to this provider.
    #[error(transparent)]
    NotPayable(#[from] AmountError),
}

impl From<SendError> for GatewayError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Malformed => Self::Refused { code: "request_malformed".to_owned() },
            SendError::NoAnswer { what } => Self::Unknown { what },
        }
    }
}

/// An answer that cannot be read: what it says was done is not known.
fn unknown(error: &dyn std::error::Error) -> GatewayError {
    GatewayError::Unknown { what: error.to_string() }
}

/// A refusal, with a code of the provider's or of ours.
fn refused(code: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned() }
}

/// What the provider means by an answer with this code and a status of 4xx.
fn refusal(status: StatusCode, code: impl Into<String>) -> GatewayError {
    let code = code.into();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => GatewayError::Denied { code },
        _ => GatewayError::Refused { code },
    }
}

/// A payment provider. Each act takes the idempotency key that its caller has written down: the same key
/// with the same words does one thing, however often it is called.
#[async_trait]
pub trait Gateway: Send + Sync + std::fmt::Debug {
    fn provider(&self) -> Provider;

    /// Takes the buyer's money, or holds it for captures that follow. A payment that the buyer's bank
    /// declines is an answer: its state is failed.
    async fn charge(&self, key: &str, charge: &Charge) -> Result<Payment, GatewayError>;
    /// Takes a part of what is held. All parts together are at most the amount of the charge.
    async fn capture(&self, key: &str, payment: &ProviderRef, part: Money) -> Result<Payment, GatewayError>;
    /// Lets go of what is held, before anything was captured; and, where the provider can, of what waits for its buyer. Mollie
    /// refuses that of some ways to pay, and lets such a payment expire.
    async fn cancel(&self, key: &str, payment: &ProviderRef) -> Result<Payment, GatewayError>;
    /// Gives a part back to the buyer. All parts together are at most what was captured.
    async fn refund(&self, key: &str, payment: &ProviderRef, part: Money) -> Result<Disbursement, GatewayError>;
    /// Moves money from the platform's balance to a seller's active account.
    async fn transfer(&self, key: &str, account: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError>;
    /// Pays money out of a seller's active account to the seller's bank. Refused by one that pays sellers out by
    /// itself ([`Provider::pays_out_on_request`]): there a transfer that has arrived is all that can be asked for.
    async fn payout(&self, key: &str, account: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError>;
    /// Opens an account for a seller, or finds the one that is theirs already ([`Provider::opens_accounts`]).
    async fn open_account(&self, key: &str, new: &NewAccount) -> Result<Account, GatewayError>;

    /// A payment as it is now; `None` if the provider has no such payment.
    async fn payment(&self, payment: &ProviderRef) -> Result<Option<Payment>, GatewayError>;
    /// A refund, a transfer or a payout as it is now.
    async fn disbursement(&self, disbursement: &ProviderRef) -> Result<Option<Disbursement>, GatewayError>;
    /// A seller's account as it is now.
    async fn account(&self, account: &ProviderRef) -> Result<Option<Account>, GatewayError>;
    /// What `call` made with `key`, as it is now; `None` if nothing was made. A charge that waits for its buyer, and has taken no money,
    /// may be found or not (Stripe finds none): its caller charges again with the same key, and from then on asks for it by its name.
    async fn find(&self, key: &str, call: &Call) -> Result<Option<Found>, GatewayError>;
    /// The payments made in `period`, in whole seconds and in the provider's order; those after `after`
    /// (`None`: from the first of them), at most `limit` and at most 100.
    async fn list(
        &self,
        period: &Range<DateTime<Utc>>,
        after: Option<&ProviderRef>,
        limit: u32,
    ) -> Result<PaymentPage, GatewayError>;
}
