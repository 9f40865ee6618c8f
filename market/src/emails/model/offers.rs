//! What people are told of offers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::{OfferId, OrderId};

/// To one side of an offer. Reference: the offer and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferNews {
    pub offer: OfferId,
    /// The listing's.
    pub title: String,
    /// The name of the other side.
    pub other: String,
    /// Per unit, of the latest terms.
    pub price: Money,
    pub quantity: i64,
    /// As whoever proposed the terms wrote it.
    pub note: Option<String>,
    pub expires_at: DateTime<Utc>,
}

/// To both sides. Reference: the offer and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferAccepted {
    pub offer: OfferId,
    pub order: OrderId,
    pub title: String,
    /// The name of the other side.
    pub other: String,
    /// Whether the reader buys.
    pub buys: bool,
    /// What the buyer pays.
    pub payable: Money,
    /// What the seller gets.
    pub net: Money,
    pub pay_by: DateTime<Utc>,
}
