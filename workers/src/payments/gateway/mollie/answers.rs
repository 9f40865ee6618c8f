//! What of Mollie's answers is read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use market::payments::{Account, AccountState, Disbursement, DisbursementState, Payment, PaymentState, ProviderRef};
use serde::Deserialize;
use serde_json::Value;
use shared::money::{Currency, Money, MoneyError};
use url::Url;

use super::KEY;
use crate::payments::gateway::{GatewayError, unknown};

#[cfg(test)]
mod tests;

/// An object with an amount that holds our key in its metadata.
pub(super) trait Marked {
    fn key(&self) -> Option<&str>;
    fn amount(&self) -> Money;
}

macro_rules! marked {
    ($($answer:ty),+) => { $(
        impl Marked for $answer {
            fn key(&self) -> Option<&str> {
                self.metadata.as_ref()?.get(KEY)?.as_str()
            }

            fn amount(&self) -> Money {
                self.amount.0
            }
        }
    )+ };
}

marked!(PaymentAnswer, CaptureAnswer, RefundAnswer, TransferAnswer);

/// An error: no code of its own, but a title for each status and the field that is wrong.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    title: String,
    field: Option<String>,
}

impl Problem {
    /// The title as a code, with the field that is at fault.
    pub(super) fn code(&self) -> String {
        let title = self.title.to_ascii_lowercase().replace(' ', "_");
        match &self.field {
            Some(field) => format!("{title}:{field}"),
            None => title,
        }
    }
}

/// An amount of an answer. One that cannot be read makes the whole answer unreadable: what was done is not known.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Written")]
struct Amount(Money);

#[derive(Debug, Deserialize)]
struct Written {
    currency: Currency,
    value: String,
}

impl TryFrom<Written> for Amount {
    type Error = MoneyError;

    fn try_from(written: Written) -> Result<Self, MoneyError> {
        Money::parse(&written.value, written.currency).map(Self)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    /// Under the name of what is listed.
    #[serde(rename = "_embedded")]
    embedded: HashMap<String, Vec<T>>,
    #[serde(rename = "_links")]
    links: PageLinks,
}

#[derive(Debug, Deserialize)]
struct PageLinks {
    next: Option<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: String,
}

impl<T> Page<T> {
    /// The first item of the next page.
    pub(super) fn next(&self) -> Option<String> {
        let next = Url::parse(&self.links.next.as_ref()?.href).ok()?;
        next.query_pairs().find(|(name, _)| name == "from").map(|(_, from)| from.into_owned())
    }

    pub(super) fn items(self) -> impl Iterator<Item = T> {
        self.embedded.into_values().flatten()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentAnswer {
    pub(super) id: String,
    status: PaymentStatus,
    amount: Amount,
    /// Only of a payment that can be captured in parts.
    amount_captured: Option<Amount>,
    /// Only of a payment that can be refunded.
    amount_refunded: Option<Amount>,
    metadata: Option<Value>,
    details: Option<Details>,
    status_reason: Option<Reason>,
    pub(super) created_at: DateTime<Utc>,
    /// Of a payment that waits for its buyer: whether it can be cancelled, and not only expires.
    #[serde(default)]
    pub(super) is_cancelable: bool,
    #[serde(rename = "_links", default)]
    links: Links,
}

/// Where the buyer confirms a payment that waits for them.
#[derive(Debug, Default, Deserialize)]
struct Links {
    checkout: Option<Link>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PaymentStatus {
    Open,
    Pending,
    Authorized,
    Paid,
    Canceled,
    Expired,
    Failed,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    failure_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reason {
    code: String,
}

impl PaymentAnswer {
    pub(super) fn read(self) -> Result<Payment, GatewayError> {
        let nothing = Money::from_minor(0, self.amount.0.currency());
        let captured = match (self.amount_captured, self.status) {
            (Some(captured), _) => captured.0,
            (None, PaymentStatus::Paid) => self.amount.0,
            (None, _) => nothing,
        };
        let state = match self.status {
            // Captures of parts leave it authorised until the last one.
            PaymentStatus::Authorized if captured == nothing => PaymentState::Authorised,
            PaymentStatus::Authorized | PaymentStatus::Paid => PaymentState::Captured,
            PaymentStatus::Open | PaymentStatus::Pending => PaymentState::Pending,
            PaymentStatus::Canceled => PaymentState::Cancelled,
            PaymentStatus::Expired | PaymentStatus::Failed => PaymentState::Failed,
        };
        let refunded = self.amount_refunded.map_or(nothing, |refunded| refunded.0);
        // All of it is of one currency.
        for part in [captured, refunded] {
            part.checked_sub(self.amount.0).map_err(|error| unknown(&error))?;
        }
        let failure = (state == PaymentState::Failed).then(|| {
            let reason = self.details.and_then(|details| details.failure_reason);
            let reason = reason.or(self.status_reason.map(|reason| reason.code));
            let expired = if self.status == PaymentStatus::Expired { "expired" } else { "failed" };
            reason.unwrap_or_else(|| expired.to_owned())
        });
        let reference = ProviderRef(self.id);
        let confirm_at = self.links.checkout.map(|page| page.href).filter(|_| state == PaymentState::Pending);
        Ok(Payment { reference, state, amount: self.amount.0, captured, refunded, failure, confirm_at })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CaptureAnswer {
    amount: Amount,
    metadata: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundAnswer {
    id: String,
    payment_id: String,
    status: RefundStatus,
    amount: Amount,
    metadata: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Queued,
    Pending,
    Processing,
    Refunded,
    Failed,
    Canceled,
}

impl RefundAnswer {
    /// The refund under the name by which it can be asked for again.
    pub(super) fn read(self) -> Disbursement {
        let state = match self.status {
            RefundStatus::Queued | RefundStatus::Pending | RefundStatus::Processing => DisbursementState::Pending,
            RefundStatus::Refunded => DisbursementState::Done,
            RefundStatus::Failed | RefundStatus::Canceled => DisbursementState::Failed,
        };
        let reference = ProviderRef(format!("{}/{}", self.payment_id, self.id));
        Disbursement { reference, state, amount: self.amount.0 }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct TransferAnswer {
    id: String,
    status: TransferStatus,
    amount: Amount,
    metadata: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TransferStatus {
    Created,
    Failed,
    Succeeded,
}

impl TransferAnswer {
    pub(super) fn read(self) -> Disbursement {
        let state = match self.status {
            TransferStatus::Created => DisbursementState::Pending,
            TransferStatus::Succeeded => DisbursementState::Done,
            TransferStatus::Failed => DisbursementState::Failed,
        };
        Disbursement { reference: ProviderRef(self.id), state, amount: self.amount.0 }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct OrganisationAnswer {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ClientAnswer {
    id: String,
    #[serde(rename = "_embedded")]
    embedded: Embedded,
}

#[derive(Debug, Deserialize)]
struct Embedded {
    onboarding: Onboarding,
    /// In beta at Mollie, so that it may be missing.
    #[serde(default)]
    capabilities: Vec<Capability>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Onboarding {
    status: OnboardingStatus,
    can_receive_settlements: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnboardingStatus {
    NeedsData,
    InReview,
    Completed,
}

#[derive(Debug, Deserialize)]
struct Capability {
    name: String,
    #[serde(default)]
    requirements: Vec<Requirement>,
}

#[derive(Debug, Deserialize)]
struct Requirement {
    id: String,
}

impl ClientAnswer {
    pub(super) fn read(self) -> Account {
        let Embedded { onboarding, capabilities } = self.embedded;
        let state = match onboarding.status {
            _ if onboarding.can_receive_settlements => AccountState::Active,
            OnboardingStatus::NeedsData | OnboardingStatus::InReview => AccountState::Pending,
            // It was let in once, and money does not get out now.
            OnboardingStatus::Completed => AccountState::Restricted,
        };
        let of_payouts = capabilities.into_iter().filter(|capability| capability.name == "settlements");
        let mut requirements: Vec<_> =
            of_payouts.flat_map(|capability| capability.requirements).map(|requirement| requirement.id).collect();
        if requirements.is_empty() && onboarding.status == OnboardingStatus::NeedsData {
            requirements.push("needs-data".to_owned());
        }
        Account { reference: ProviderRef(self.id), state, requirements }
    }
}
