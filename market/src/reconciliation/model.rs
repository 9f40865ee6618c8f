//! What differs between a payment provider and here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::UserId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::escrow::model::PaymentStatus;
use crate::ids::{DifferenceId, PaymentId, PayoutId, RefundId};
use crate::payments::{Provider, ProviderRef};

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The provider has it, and it is not here.
    MissingHere,
    /// It is here, and the provider does not have it.
    MissingThere,
    Amount,
    Status,
    /// What is left of a payment, or what the ledger has booked.
    Balance,
}

/// Something that differs, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: DifferenceKind,
    /// What it is and our name for it, or the provider's if we have none.
    pub subject: String,
    pub ours: Option<Value>,
    pub theirs: Option<Value>,
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    pub id: DifferenceId,
    pub provider: Provider,
    pub kind: DifferenceKind,
    /// What it is and our name for it, or the provider's if we have none.
    #[schema(example = "payment/01900000-0000-7000-8000-000000000012")]
    pub subject: String,
    /// What is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<Value>,
    /// What the provider has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Value>,
    pub found_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<UserId>,
    /// Why it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A payment as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurPayment {
    pub id: PaymentId,
    pub reference: ProviderRef,
    pub status: PaymentStatus,
    pub amount: Money,
    /// Given back, and on its way back.
    pub refunded: Money,
    pub refunding: Money,
    /// What the ledger says came to the provider; `None`: nothing was booked.
    pub booked: Option<Money>,
    pub created_at: DateTime<Utc>,
}

/// Which movement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    Refund(RefundId),
    /// To the seller's account.
    Transfer(PayoutId),
    /// From there to the bank.
    Payout(PayoutId),
}

/// A refund, or a way of a payout, as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurMovement {
    pub what: Moved,
    pub reference: ProviderRef,
    pub amount: Money,
    pub done: bool,
    /// What the ledger says left the provider; `None`: nothing was booked, or nothing is at this step.
    pub booked: Option<Money>,
    pub created_at: DateTime<Utc>,
}
