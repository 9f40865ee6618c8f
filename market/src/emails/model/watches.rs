//! What people are told of listings that they watch, look for, or offer.

use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::{ListingId, SavedSearchId};

/// To watchers. Reference: the listing and the price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceFell {
    pub listing: ListingId,
    pub title: String,
    pub was: Money,
    pub now: Money,
}

/// To those who watched what is listed again. Reference: the new listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relisted {
    /// The new one.
    pub listing: ListingId,
    pub title: String,
    pub price: Option<Money>,
}

/// To whoever keeps the search, unless they have deleted it or turned alerts off when the mail is sent. Reference: the search and the
/// person's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearchDigest {
    pub search: SavedSearchId,
    pub name: String,
    /// The newest ones.
    pub found: Vec<FoundListing>,
    /// How many more there are.
    pub more: usize,
}

/// A listing that a search has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundListing {
    pub listing: ListingId,
    pub title: String,
    pub price: Option<Money>,
}

/// To those who trade for the seller. Reference: the inquiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InquiryReceived {
    pub listing: ListingId,
    pub title: String,
    /// Who asks.
    pub org_name: String,
    /// As it was written.
    pub text: String,
}
