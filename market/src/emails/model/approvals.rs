//! What people are told of sales on approval.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::auctions::model::ApprovalStatus;
use crate::ids::AuctionId;
use crate::orders::model::Side;

/// To those who trade for one side. Reference: the auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalNews {
    pub auction: AuctionId,
    pub title: String,
    /// The reader's.
    pub side: Side,
    /// What has become of it.
    pub status: ApprovalStatus,
    /// What was bid.
    pub price: Money,
    /// What the seller would sell it for instead.
    pub counter: Option<Money>,
    /// Until when whoever is to answer can.
    pub answer_by: DateTime<Utc>,
}
