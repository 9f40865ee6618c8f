//! Payments, what is held of them, refunds and disputes, as their parties see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{CheckoutId, DisputeId, OrderId, PaymentId, RefundId};
use crate::payments::Provider;

/// Where an attempt to pay is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The provider has not been asked yet.
    Created,
    /// The provider has been asked, and has not decided or its answer was lost.
    Funding,
    /// The money is with the platform.
    Held,
    Failed,
    /// Nobody was asked for money: the checkout was over.
    Cancelled,
}

/// An attempt to pay a checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CheckoutPayment {
    pub id: PaymentId,
    pub checkout: CheckoutId,
    /// Counts the attempts of the checkout.
    pub attempt: i16,
    pub provider: Provider,
    pub status: PaymentStatus,
    pub amount: Money,
    /// Why it failed: a code of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The page at which the buyer has to confirm the payment with their bank (3-D Secure). Open it in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_at: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

/// Where the money of an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EscrowStatus {
    /// With the platform.
    Held,
    /// With the platform, until a dispute is decided.
    Frozen,
    /// The seller's.
    Released,
    /// The buyer's again.
    Refunded,
    /// A part is the seller's and the rest the buyer's again.
    Partly,
}

/// What is held of a payment for one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Escrow {
    pub order: OrderId,
    pub status: EscrowStatus,
    /// What the buyer has paid.
    pub amount: Money,
    pub released: Money,
    pub refunded: Money,
    /// Until when the buyer may find fault with what was delivered; then it is the seller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inspect_until: Option<DateTime<Utc>>,
}

/// Why a buyer does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DisputeReason {
    NotReceived,
    NotAsDescribed,
    Damaged,
    Other,
}

/// Where a dispute is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DisputeStatus {
    Open,
    /// The buyer agrees after all.
    Withdrawn,
    /// The buyer got everything back.
    ForBuyer,
    /// The seller got everything.
    ForSeller,
    /// The buyer got a part back, the seller the rest.
    Split,
}

/// A buyer does not agree about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Dispute {
    pub id: DisputeId,
    pub order: OrderId,
    pub reason: DisputeReason,
    pub text: String,
    pub status: DisputeStatus,
    pub opened_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RefundCause {
    /// It came when the checkout was over.
    Late,
    /// The seller gives it back.
    Seller,
    /// A dispute was decided so.
    Dispute,
    /// The platform has decided so when it was the seller's already.
    Finance,
    /// Goods came back.
    Return,
}

/// Where a refund is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider has not been asked yet, or its answer was lost.
    Intended,
    /// The provider has it under way.
    Sent,
    Done,
    /// The provider could not: somebody has to look for another way.
    Failed,
}

/// Money on its way back to a buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refund {
    pub id: RefundId,
    /// Absent when a whole checkout is refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    pub cause: RefundCause,
    pub status: RefundStatus,
    pub amount: Money,
    /// The part of the amount that the platform gives back of its commission.
    pub fee: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
}
