//! What of Stripe's answers is read.

use std::collections::HashMap;

use market::payments::{
    Account, AccountState, Disbursement, DisbursementState, Payment, PaymentState, Provider, ProviderRef,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use shared::money::{Currency, Money};

use crate::payments::gateway::exponents::from_provider;
use crate::payments::gateway::{GatewayError, unknown};

#[cfg(test)]
mod tests;

/// An object that holds our keys in its metadata.
pub(super) trait Marked {
    fn name(&self) -> &str;
    fn mark(&self, name: &str) -> Option<&str>;
}

macro_rules! marked {
    ($($answer:ty),+) => { $(
        impl Marked for $answer {
            fn name(&self) -> &str {
                &self.id
            }

            fn mark(&self, name: &str) -> Option<&str> {
                self.metadata.as_ref()?.get(name).map(String::as_str)
            }
        }
    )+ };
}

marked!(IntentAnswer, RefundAnswer, TransferAnswer, PayoutAnswer, AccountAnswer);

#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) error: Problem,
}

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    /// Of a charge that was declined; of other problems too, in shapes that are not read.
    pub(super) payment_intent: Option<Value>,
}

impl Problem {
    /// Stripe's code; not every problem has one, but each has a type.
    pub(super) fn code(&self) -> &str {
        self.code.as_deref().or(self.kind.as_deref()).unwrap_or("no_code")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    pub(super) has_more: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct IntentAnswer {
    id: String,
    status: IntentStatus,
    amount: i64,
    amount_received: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    latest_charge: Option<LatestCharge>,
    last_payment_error: Option<PaymentError>,
    next_action: Option<NextAction>,
    metadata: Option<HashMap<String, String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

/// What the buyer has to do; of its kinds, only a page to go to is asked for.
#[derive(Debug, Deserialize)]
struct NextAction {
    redirect_to_url: Option<RedirectToUrl>,
}

#[derive(Debug, Deserialize)]
struct RedirectToUrl {
    url: Option<String>,
}

/// The charge in full, as it is asked for. Inside an error it is only named.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Full { amount_refunded: i64 },
    Name(#[expect(dead_code, reason = "only its shape is read")] String),
}

#[derive(Debug, Deserialize)]
struct PaymentError {
    code: Option<String>,
    decline_code: Option<String>,
}

impl IntentAnswer {
    pub(super) fn is_cancelled(&self) -> bool {
        self.status == IntentStatus::Canceled
    }

    pub(super) fn read(self) -> Result<Payment, GatewayError> {
        let state = match self.status {
            // We confirm as we create, so what still wants a way to pay had one that was declined.
            IntentStatus::RequiresPaymentMethod => PaymentState::Failed,
            IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction | IntentStatus::Processing => {
                PaymentState::Pending
            }
            IntentStatus::RequiresCapture if self.amount_received == 0 => PaymentState::Authorised,
            IntentStatus::Canceled if self.amount_received == 0 => PaymentState::Cancelled,
            IntentStatus::RequiresCapture | IntentStatus::Canceled | IntentStatus::Succeeded => PaymentState::Captured,
        };
        let refunded = match self.latest_charge {
            Some(LatestCharge::Full { amount_refunded }) => amount_refunded,
            None => 0,
            // Nothing was taken.
            Some(LatestCharge::Name(_)) if self.amount_received == 0 => 0,
            Some(LatestCharge::Name(_)) => {
                return Err(GatewayError::Unknown { what: "the charge of the payment is missing".to_owned() });
            }
        };
        let failure = self.last_payment_error.and_then(|error| error.decline_code.or(error.code));
        Ok(Payment {
            reference: ProviderRef(self.id),
            state,
            amount: money(self.amount, self.currency)?,
            captured: money(self.amount_received, self.currency)?,
            refunded: money(refunded, self.currency)?,
            failure: failure.filter(|_| state == PaymentState::Failed),
            confirm_at: self.next_action.and_then(|action| action.redirect_to_url).and_then(|page| page.url),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ChargeAnswer {
    pub(super) payment_intent: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundAnswer {
    id: String,
    /// Old refunds have none.
    status: Option<RefundStatus>,
    amount: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    metadata: Option<HashMap<String, String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
    Canceled,
}

impl RefundAnswer {
    pub(super) fn read(self) -> Result<Disbursement, GatewayError> {
        let state = match self.status {
            None | Some(RefundStatus::Pending | RefundStatus::RequiresAction) => DisbursementState::Pending,
            Some(RefundStatus::Succeeded) => DisbursementState::Done,
            Some(RefundStatus::Failed | RefundStatus::Canceled) => DisbursementState::Failed,
        };
        Ok(Disbursement { reference: ProviderRef(self.id), state, amount: money(self.amount, self.currency)? })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct TransferAnswer {
    id: String,
    /// Whether all of it was taken back.
    reversed: bool,
    amount: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    metadata: Option<HashMap<String, String>>,
}

impl TransferAnswer {
    pub(super) fn read(self) -> Result<Disbursement, GatewayError> {
        let state = if self.reversed { DisbursementState::Failed } else { DisbursementState::Done };
        Ok(Disbursement { reference: ProviderRef(self.id), state, amount: money(self.amount, self.currency)? })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PayoutAnswer {
    id: String,
    status: PayoutStatus,
    amount: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    metadata: Option<HashMap<String, String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PayoutStatus {
    Pending,
    InTransit,
    Paid,
    Failed,
    Canceled,
}

impl PayoutAnswer {
    /// The payout under the name by which it can be asked for again.
    pub(super) fn read(self, account: &str) -> Result<Disbursement, GatewayError> {
        let state = match self.status {
            PayoutStatus::Pending | PayoutStatus::InTransit => DisbursementState::Pending,
            PayoutStatus::Paid => DisbursementState::Done,
            PayoutStatus::Failed | PayoutStatus::Canceled => DisbursementState::Failed,
        };
        let reference = ProviderRef(format!("{account}/{}", self.id));
        Ok(Disbursement { reference, state, amount: money(self.amount, self.currency)? })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct AccountAnswer {
    id: String,
    payouts_enabled: Option<bool>,
    details_submitted: Option<bool>,
    capabilities: Option<Capabilities>,
    requirements: Option<Requirements>,
    metadata: Option<HashMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct Capabilities {
    transfers: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Requirements {
    currently_due: Option<Vec<String>>,
    disabled_reason: Option<String>,
}

impl AccountAnswer {
    pub(super) fn read(self) -> Account {
        let requirements = self.requirements.unwrap_or_default();
        let transfers = self.capabilities.and_then(|capabilities| capabilities.transfers);
        let state = if requirements.disabled_reason.is_some_and(|reason| reason.starts_with("rejected.")) {
            AccountState::Closed
        } else if self.payouts_enabled == Some(true) && transfers.as_deref() == Some("active") {
            AccountState::Active
        } else if self.details_submitted == Some(true) {
            AccountState::Restricted
        } else {
            AccountState::Pending
        };
        let requirements = requirements.currently_due.unwrap_or_default();
        Account { reference: ProviderRef(self.id), state, requirements }
    }
}

/// Stripe writes currencies in lower case.
fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    let code = String::deserialize(deserializer)?;
    code.to_ascii_uppercase().parse().map_err(serde::de::Error::custom)
}

/// An amount of an answer. One that cannot be read leaves it unknown what was done.
fn money(minor: i64, currency: Currency) -> Result<Money, GatewayError> {
    from_provider(Provider::Stripe, minor, currency).map_err(|error| unknown(&error))
}
