//! News about auctions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::{AuctionId, OrderId};

/// Somebody else leads now. Reference: the bid that took the lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbid {
    pub auction: AuctionId,
    pub title: String,
    pub price: Money,
    /// The least that a new bid must offer.
    pub next_minimum: Money,
    pub ends_at: DateTime<Utc>,
}

/// To the buyer. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Won {
    pub auction: AuctionId,
    pub order: OrderId,
    pub title: String,
    pub seller: String,
    /// What the buyer pays.
    pub total: Money,
    pub pay_by: DateTime<Utc>,
}

/// To the seller. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    pub auction: AuctionId,
    pub order: OrderId,
    pub title: String,
    pub buyer: String,
    /// What the buyer pays; `fee` and `net` are its parts.
    pub total: Money,
    pub fee: Money,
    pub net: Money,
}

/// Nobody bid, to the seller. Reference: the auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsold {
    pub auction: AuctionId,
    pub title: String,
}

/// To those who lead: before the end, in the place of [`EndingSoon`] and with the same reference; or when a better bid was taken back,
/// with that bid as the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winning {
    pub auction: AuctionId,
    pub title: String,
    pub price: Money,
    /// True when there is no reserve.
    pub reserve_met: bool,
    /// Whether they lead because a better bid was taken back.
    pub again: bool,
    pub ends_at: DateTime<Utc>,
}

/// To bidders who do not lead, and watchers. Reference: the auction and which reminder it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingSoon {
    pub auction: AuctionId,
    pub title: String,
    pub price: Money,
    /// Whether the recipient leads; nobody does on a divisible lot. Who leads gets [`Winning`]: true only in old mails.
    pub leading: Option<bool>,
    /// Whether the recipient has not bid, and only watches.
    #[serde(default)]
    pub watching: bool,
    pub ends_at: DateTime<Utc>,
}
