//! What organisations are told of their plans.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::identity::Plan;
use crate::ids::{PlanChargeId, PlanSubscriptionId};

/// To the owners. Reference: the charge, and what has happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNews {
    pub event: PlanEvent,
    pub plan: Plan,
    pub charge: PlanChargeId,
    pub amount: Money,
    /// When the organisation falls to the free plan if it is not paid, or has fallen.
    pub lapses_at: DateTime<Utc>,
    /// Of a plan that has ended, each of what makes up the amount; empty: it was this charge alone, and nothing else ended the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<OwedForPlan>,
}

/// Something that was not paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedForPlan {
    pub plan: Plan,
    pub amount: Money,
}

/// To the owners: the plan that was to follow cannot be had any more, and the organisation is on the free plan. Reference: the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNotOffered {
    pub subscription: PlanSubscriptionId,
    /// The one that was to follow.
    pub plan: Plan,
}

/// What has happened to a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanEvent {
    /// It is due.
    Charged,
    /// It is not paid, and this is the reminder of this number.
    Reminded(i16),
    /// An attempt to pay it has failed.
    Failed,
    Paid,
    /// It was paid, and the plan allows again what it did not while something was owed.
    Restored,
    /// Nobody has paid it, and the organisation is on the free plan.
    Lapsed,
}
