//! Offers as their two parties see them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{CheckoutId, ItemId, ListingId, OfferId, OrderId, SiteId};
use crate::orders::model::Side;

/// How long the other side has to answer.
pub const ANSWER_TERM: TimeDelta = TimeDelta::hours(48);

/// Where an offer is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OfferStatus {
    Open,
    /// Answered with other terms.
    Countered,
    Accepted,
    Declined,
    Expired,
    Withdrawn,
}

impl OfferStatus {
    /// Whether somebody may still answer.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Countered)
    }
}

/// What one side has proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Terms {
    /// The first is 1.
    #[schema(minimum = 1, maximum = 50)]
    pub version: i32,
    /// Who proposes it.
    pub side: Side,
    /// Per unit.
    pub price: Money,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub at: DateTime<Utc>,
    /// Nobody else's business than that of the side.
    #[serde(skip)]
    pub placed_by: UserId,
}

/// A price proposed for a listing, or, in a trade, for goods at a site of the seller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Offer {
    pub id: OfferId,
    /// Absent of a trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing_id: Option<ListingId>,
    /// Of a trade: where the goods are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    /// The listing's, or the item's.
    pub title: String,
    /// The seller's: of what is wanted, the one that answers it.
    pub item_id: ItemId,
    pub buyer_org_id: OrgId,
    /// The name that the buyer trades under.
    pub buyer_name: String,
    pub seller_org_id: OrgId,
    pub seller_name: String,
    pub status: OfferStatus,
    /// Who may accept, decline or answer the latest terms; the other side may withdraw.
    pub turn: Side,
    /// Of the latest terms.
    #[schema(minimum = 1, maximum = 50)]
    pub version: i32,
    /// Oldest first.
    pub terms: Vec<Terms>,
    /// Until when the latest terms can be accepted.
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// What it was sold by, once it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// What the order is paid with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<CheckoutId>,
}

impl Offer {
    /// The side of an organisation, if it is a party.
    #[must_use]
    pub fn side_of(&self, org: OrgId) -> Option<Side> {
        if org == self.buyer_org_id {
            Some(Side::Buyer)
        } else if org == self.seller_org_id {
            Some(Side::Seller)
        } else {
            None
        }
    }

    /// The organisation on this side.
    #[must_use]
    pub const fn org_of(&self, side: Side) -> OrgId {
        match side {
            Side::Buyer => self.buyer_org_id,
            Side::Seller => self.seller_org_id,
        }
    }

    /// What was proposed last.
    #[must_use]
    pub fn latest(&self) -> Option<&Terms> {
        self.terms.last()
    }
}

/// Terms to propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// Per unit.
    pub price: Money,
    pub quantity: i64,
    pub note: Option<&'a str>,
}

/// An organisation that acts through one of its people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    pub org: OrgId,
    pub user: UserId,
}
