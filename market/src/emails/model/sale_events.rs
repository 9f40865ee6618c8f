//! What people are told of their registrations in sale events.

use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::SaleEventId;

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
