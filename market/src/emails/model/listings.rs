//! Decisions of moderators about listings.

use serde::{Deserialize, Serialize};

use crate::ids::ListingId;

/// To those who trade for the seller. Reference: the listing and the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingSuspended {
    pub listing: ListingId,
    pub title: String,
    /// As the moderator wrote it.
    pub reason: String,
    /// It has an auction, which goes on without bids.
    pub in_auction: bool,
}

/// To those who trade for the seller. Reference: the listing and the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingReinstated {
    pub listing: ListingId,
    pub title: String,
}

/// To those who trade for the seller. Reference: the listing and the number of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingApproved {
    pub listing: ListingId,
    pub title: String,
}

/// To those who trade for the seller. Reference: the listing and the number of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingRefused {
    pub listing: ListingId,
    pub title: String,
    /// As the moderator wrote it.
    pub reason: String,
}
