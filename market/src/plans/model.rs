//! Plans, subscriptions to them, and what is owed for them, as organisations see them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;
use utoipa::ToSchema;

use crate::escrow::model::PaymentStatus;
use crate::identity::Plan;
use crate::ids::{PaymentId, PlanChargeId, PlanSubscriptionId};
use crate::payments::Provider;

/// Where a subscription is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// Nothing is owed before the first term begins.
    Trial,
    Active,
    /// Something has not been paid for three days: no more is allowed than on the free plan.
    PastDue,
    /// Over; the organisation is on the free plan.
    Cancelled,
}

/// What a plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanLimits {
    /// How many listings may be published at once; absent: as many as any organisation may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_listings: Option<i32>,
}

/// The commission of a plan in categories that have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanCommission {
    pub revision: i32,
    #[schema(minimum = 0, maximum = 10000)]
    pub fee_bps: i32,
}

/// A plan, and what it costs and allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OfferedPlan {
    pub plan: Plan,
    /// Whether organisations choose it themselves; the others are agreed with the platform.
    pub offered: bool,
    /// How many days an organisation that has never subscribed before may try it for nothing.
    pub trial_days: i16,
    /// A month's fee, in each currency that it can be paid in. The free plan has none.
    pub fees: Vec<Money>,
    pub limits: PlanLimits,
    /// Absent: each category says its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commission: Option<PlanCommission>,
}

/// An organisation's subscription to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanSubscription {
    pub id: PlanSubscriptionId,
    pub plan: Plan,
    pub status: SubscriptionStatus,
    /// What the plan costs in a whole term like the current one.
    pub fee: Money,
    /// What follows when the term is over, if that is another plan; `free`: the subscription ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_plan: Option<Plan>,
    /// The number of the current term.
    pub term: i32,
    /// The first day of the term, and the first one after it, in the organisation's time zone.
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    /// The instants at which these days begin.
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

/// The plan that an organisation is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrgPlan {
    pub plan: Plan,
    /// What it allows now.
    pub limits: PlanLimits,
    /// Absent: the plan is the free one, or agreed with the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<PlanSubscription>,
}

/// What a charge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PlanChargeKind {
    /// A whole term.
    Term,
    /// The rest of a term, on a better plan.
    Upgrade,
}

/// Where a charge is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PlanChargeStatus {
    Open,
    Paid,
    /// The subscription ended without it.
    Lapsed,
}

/// An attempt to pay a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanPayment {
    pub id: PaymentId,
    /// Counts the attempts.
    pub attempt: i16,
    pub provider: Provider,
    pub status: PaymentStatus,
    /// Why it failed: a code of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The page at which the payer has to confirm the payment with their bank. Open it in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_at: Option<String>,
}

/// What an organisation owes, or has paid, for a term of its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanCharge {
    pub id: PlanChargeId,
    pub subscription: PlanSubscriptionId,
    pub kind: PlanChargeKind,
    pub plan: Plan,
    pub amount: Money,
    pub status: PlanChargeStatus,
    pub term: i32,
    /// The first day of the term, and the first one after it.
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub due_at: DateTime<Utc>,
    /// How many reminders were sent.
    pub reminders: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// The last attempt to pay it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PlanPayment>,
}
