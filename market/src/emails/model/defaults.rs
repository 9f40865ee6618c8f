//! Lots that were won and not paid, and what follows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::{AuctionId, OrderId, SecondChanceId};
use crate::orders::model::Side;

/// An award was not paid, to those who trade for buyer and seller. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardDefaulted {
    pub auction: AuctionId,
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    pub title: String,
    pub amount: Money,
    /// For the seller: until when the next bidder may take the lot.
    pub offered_until: Option<DateTime<Utc>>,
    /// For the buyer: in how many open auctions they may have bids from now on.
    pub most_auctions: Option<i64>,
    /// For the buyer: until when they may not bid.
    pub barred_until: Option<DateTime<Utc>>,
}

/// To those who trade for the next bidder. Reference: the offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondChanceOffered {
    pub auction: AuctionId,
    pub chance: SecondChanceId,
    pub title: String,
    pub quantity: i64,
    /// The reader's own maximum.
    pub amount: Money,
    pub until: DateTime<Utc>,
}

/// An offer to the next bidder came to nothing, to those who trade for the seller. Reference: the offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondChanceLapsed {
    pub auction: AuctionId,
    pub title: String,
    /// Until when the bidder after that may take the lot.
    pub offered_until: Option<DateTime<Utc>>,
}
