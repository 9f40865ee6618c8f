//! What parties and moderators see of strikes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::ToSchema;

use crate::ids::{OrderId, StrikeId};

/// How an appeal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AppealOutcome {
    /// The strike counts no more.
    Lifted,
    Kept,
}

/// What a buyer says against a strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Appeal {
    pub text: String,
    pub appealed_at: DateTime<Utc>,
    /// Absent while nobody has decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AppealOutcome>,
    /// Why it was decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An organisation has not paid what it has won, or what it got in a trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Strike {
    pub id: StrikeId,
    pub org_id: OrgId,
    pub order: OrderId,
    pub at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal: Option<Appeal>,
}

/// What an organisation may bid on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BuyerStanding {
    /// In how many open auctions it may have bids at once; absent: in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_auctions: Option<i64>,
    /// Until when it may not bid or buy at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barred_until: Option<DateTime<Utc>>,
    /// Newest first.
    #[schema(max_items = 100)]
    pub strikes: Vec<Strike>,
}
