//! Sellers' accounts at payment providers, and what is paid out to them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{PayoutAccountId, PayoutId};
use crate::payments::Provider;

/// Whether money can be paid out to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PayoutAccountStatus {
    /// The provider has not opened it yet, or still checks who the seller is.
    Pending,
    Active,
    /// The provider wants something more before it pays out.
    Restricted,
    /// Nothing is paid to it any more; another one can be opened.
    Closed,
}

/// A seller's account at a payment provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PayoutAccount {
    pub id: PayoutAccountId,
    pub provider: Provider,
    pub status: PayoutAccountStatus,
    /// What the provider still wants, in its words.
    #[schema(max_items = 100)]
    pub requirements: Vec<String>,
    /// Why the provider did not open it: its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When the provider last said how it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<DateTime<Utc>>,
}

/// Where a payout is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PayoutStatus {
    /// For an account that can be paid to.
    Waiting,
    /// It has left the seller's earnings, and the provider is asked.
    Intended,
    /// The bank has it under way.
    Sent,
    Paid,
    /// The provider refused it, or nothing was due any more; what is due is in a later one.
    Failed,
}

/// Money on its way to a seller's bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Payout {
    pub id: PayoutId,
    pub status: PayoutStatus,
    pub amount: Money,
    /// Why it failed, or why its last attempt did: a code of the provider, or `nothing_due`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}
