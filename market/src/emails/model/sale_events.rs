//! What people are told of their registrations in sale events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::{AuctionId, SaleEventId};

/// To those who trade for an organisation that may bid in a sale event. Reference: the registration and when it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidderApproved {
    pub event: SaleEventId,
    /// Of the sale event.
    pub title: String,
    /// For all of its lots together.
    pub limit: Money,
}

/// To those who trade for an organisation that may not. Reference: as there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidderRefused {
    pub event: SaleEventId,
    /// Of the sale event.
    pub title: String,
}

/// To those who trade for an organisation that has asked to bid in a sale event. Reference: the sale event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleEventCancelled {
    pub event: SaleEventId,
    /// Of the sale event.
    pub title: String,
}

/// To those who trade for an organisation whose bids on a lot do not count any more, since its limit is spent elsewhere. Reference: the bid
/// above them that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidsLapsed {
    pub auction: AuctionId,
    /// Of the lot.
    pub title: String,
    pub price: Money,
    /// The least that a new bid must offer.
    pub next_minimum: Money,
    pub ends_at: DateTime<Utc>,
}
