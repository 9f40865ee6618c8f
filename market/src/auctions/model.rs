//! What the rest of the system sees of an auction. Types that are shown to people have no field for
//! a maximum or a reserve; those that people send hold them as [`SecretMoney`], which does not
//! print.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{AuctionId, BidId, ListingId, OrderId, SecondChanceId};
use crate::orders::model::{AwardId, MadeOrder, Side};

use super::rules::Effect;

/// Where an auction is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AuctionStatus {
    Scheduled,
    Live,
    /// The highest bid is below the reserve: the seller decides about it.
    OnApproval,
    Awarded,
    Unsold,
    Cancelled,
    /// The winner did not pay.
    Defaulted,
}

impl AuctionStatus {
    /// Whether it is still undecided: bids are taken, or will be.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Live)
    }
}

/// Whether the lot goes to one bidder or is shared out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum LotMode {
    /// One bidder gets everything; amounts are for the whole.
    #[default]
    Whole,
    /// Several bidders get a share each; amounts are per unit.
    Divisible,
}

/// Money that somebody entrusts to the auction: a maximum or a reserve. It can be read from a request, never written out.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretMoney(pub(crate) Money);

impl SecretMoney {
    #[must_use]
    pub const fn new(money: Money) -> Self {
        Self(money)
    }
}

impl fmt::Debug for SecretMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretMoney")
    }
}

/// The terms of an auction to create; the listing determines item, currency, quantity and minimum
/// order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAuction {
    /// Immediately when absent or past.
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: DateTime<Utc>,
    /// The soft close never goes past this; an hour after the end when absent.
    pub hard_ends_at: Option<DateTime<Utc>>,
    /// How long a late bid leaves others to answer it; 0 turns this off, 300 when absent.
    #[schema(minimum = 0, maximum = 86_400)]
    pub soft_close_seconds: Option<i32>,
    pub opening: Money,
    #[schema(value_type = Option<Money>)]
    pub reserve: Option<SecretMoney>,
    /// Required if the listing's sale mode is `auction_buy_now`, and refused otherwise.
    pub buy_now: Option<Money>,
    #[serde(default)]
    pub lot_mode: LotMode,
    #[serde(default)]
    pub brokers_excluded: bool,
    /// How many bidders in a row are offered the lot at their own maximum when a winner does not pay; 1 when absent.
    #[schema(minimum = 0, maximum = 10)]
    pub second_chances: Option<i16>,
}

/// An auction as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuctionView {
    pub id: AuctionId,
    pub listing_id: ListingId,
    pub seller_org_id: OrgId,
    pub status: AuctionStatus,
    /// A moderator has suspended its listing or its seller: only the seller and those who have bid are shown it, no bid is taken, and
    /// if it ends so, it is cancelled.
    pub suspended: bool,
    pub lot_mode: LotMode,
    pub quantity: i64,
    pub min_order: i64,
    pub starts_at: DateTime<Utc>,
    /// The end as it stands now; a late bid may move it.
    pub ends_at: DateTime<Utc>,
    pub original_ends_at: DateTime<Utc>,
    pub hard_ends_at: DateTime<Utc>,
    pub soft_close_seconds: i32,
    pub opening: Money,
    /// The opening price before the first bid. Per unit when the lot is divisible.
    pub price: Money,
    /// The least that the next bidder must offer.
    pub next_minimum: Money,
    /// Present while the lot can be bought at once.
    pub buy_now: Option<Money>,
    /// True when there is no reserve.
    pub reserve_met: bool,
    pub bid_count: i64,
    /// Whether the organisation that asks leads; absent when no organisation asks, and for
    /// divisible lots.
    pub you_lead: Option<bool>,
    /// Counts the changes that everybody sees.
    pub version: i64,
    /// The database's time of this view; count down from this, not from your own clock.
    pub server_time: DateTime<Utc>,
}

/// What has become of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BidStatus {
    Leading,
    Outbid,
    Won,
    Lost,
    Retracted,
}

/// A bid as everybody sees it. Raises are included only for the organisation that placed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BidView {
    /// Present on the bids of the organisation that asks.
    pub id: Option<BidId>,
    /// Counts the bids shown, from 1, including the viewer's own raises.
    pub number: i64,
    /// Numbers the bidders in the order of their first bid; says nothing about who they are.
    pub bidder: i64,
    /// Whether the organisation that asks placed it.
    pub mine: bool,
    /// A leader's own higher maximum, which is shown to nobody else. It goes with the bid that it
    /// raises when that is taken back.
    pub raise: bool,
    pub amount: Money,
    pub quantity: i64,
    pub status: BidStatus,
    pub placed_at: DateTime<Utc>,
    pub retracted_at: Option<DateTime<Utc>>,
}

/// An accepted bid as its bidder sees it, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedBid {
    pub bid: BidId,
    /// It is the organisation's first in the auction; of two placed at once, both may be.
    pub first: bool,
    pub effect: Effect,
    pub end_moved: bool,
    pub placed_at: DateTime<Utc>,
    /// False for a raise that nobody may hear of.
    pub public_change: bool,
    /// Who lost the lead, or a share, to this bid.
    pub outbid: Vec<OrgId>,
    /// As the bidder sees it with this bid.
    pub auction: AuctionView,
}

/// An organisation with a bid in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionBidder {
    /// As in the list of bids.
    pub number: i64,
    pub org: OrgId,
}

/// Two organisations in an auction that may belong to the same people: for moderators to look at.
/// It has no consequences by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountFlag {
    pub id: i64,
    pub auction: AuctionId,
    /// Who sells there; one of the two, or neither.
    pub seller: OrgId,
    #[schema(min_items = 2, max_items = 2)]
    pub orgs: [FlaggedOrg; 2],
    /// What the two have in common: `shared_person` (somebody belongs to both), `same_founder`,
    /// `same_mailbox` (apart from dots and what follows a plus), `same_device` (logins from one
    /// network with one program), `same_name`.
    pub signals: Vec<String>,
    /// The people through whom it shows.
    pub people: Vec<UserId>,
    pub created_at: DateTime<Utc>,
}

/// One of the two organisations of an [`AccountFlag`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlaggedOrg {
    pub id: OrgId,
    pub legal_name: String,
}

/// An organisation in an auction, and the person who acts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participant {
    pub org: OrgId,
    pub user: UserId,
}

/// A bid that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retracted {
    /// As the bidder sees it without the bid.
    pub auction: AuctionView,
    /// False when only a hidden raise went and nothing visible changed.
    pub public_change: bool,
    /// Whose bids went along, because their limit in the sale event does not cover them any more.
    pub lapsed: Vec<OrgId>,
    /// Who leads now and did not before.
    pub new_leader: Option<OrgId>,
}

/// A lot, or a share of one, that somebody won or bought, and the order that it became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    pub id: AwardId,
    pub order: OrderId,
    pub winner: Participant,
    pub quantity: i64,
    pub amount: Money,
}

/// An auction that has just been decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// As the buyer sees it, after a purchase; as everybody does, after the end.
    pub auction: AuctionView,
    pub title: String,
    /// Who listed it.
    pub seller: Participant,
    /// Empty: unsold, or cancelled.
    pub awards: Vec<Award>,
    /// The order of each award.
    pub orders: Vec<MadeOrder>,
    pub closed_at: DateTime<Utc>,
}

/// An auction that has just ended below its reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub auction: AuctionView,
    pub title: String,
    pub seller: Participant,
    pub bidder: Participant,
    pub approval: Approval,
    pub closed_at: DateTime<Utc>,
}

/// What came of an attempt to close an auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseOutcome {
    /// This call closed it.
    Closed(Box<Closed>),
    /// This call ended it; the seller decides about the highest bid.
    OnApproval(Box<Asked>),
    /// The end lies ahead: try again then. `now` is the database's time, from which to reckon the
    /// wait.
    NotYet { ends_at: DateTime<Utc>, now: DateTime<Utc> },
    /// Decided before; nothing was done.
    Already(AuctionStatus),
}

/// What came of an attempt to open an auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenOutcome {
    /// This call opened it; as everybody sees it.
    Opened(Box<AuctionView>),
    /// The start lies ahead of `now`, the database's time.
    NotYet { starts_at: DateTime<Utc>, now: DateTime<Utc> },
    /// Already opened or decided; nothing was done.
    Already(AuctionStatus),
}

/// Where an offer to the next bidder is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChanceStatus {
    Offered,
    /// The bidder has an order.
    Accepted,
    Declined,
    /// The bidder said nothing in time.
    Expired,
}

/// A lot, or a part of it, that is offered to its next bidder because it was not sold or not paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SecondChance {
    pub id: SecondChanceId,
    pub auction: AuctionId,
    pub status: ChanceStatus,
    pub quantity: i64,
    /// For the whole quantity: the bidder's own maximum. The seller sees it when it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    pub offered_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The caller's organisation is the bidder.
    pub yours: bool,
}

/// Where a sale on approval is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// The seller decides about the bid.
    Asked,
    /// The bidder decides about the seller's amount.
    Countered,
    /// The bidder has an order.
    Accepted,
    Declined,
    /// Whoever had to answer said nothing in time.
    Expired,
}

impl ApprovalStatus {
    /// Who is to answer; nobody once it is decided.
    #[must_use]
    pub const fn answered_by(self) -> Option<Side> {
        match self {
            Self::Asked => Some(Side::Seller),
            Self::Countered => Some(Side::Buyer),
            Self::Accepted | Self::Declined | Self::Expired => None,
        }
    }
}

/// A highest bid below the reserve, about which the seller decides. Only the two sides see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Approval {
    pub auction: AuctionId,
    pub status: ApprovalStatus,
    /// What was bid, for the whole lot.
    pub price: Money,
    /// What the seller would sell it for instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<Money>,
    pub asked_at: DateTime<Utc>,
    /// Until when whoever is to answer can.
    pub answer_by: DateTime<Utc>,
    /// The caller's organisation is the one to answer.
    pub your_turn: bool,
}

/// What one side says to a sale on approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Decline,
    /// The seller's, for the whole lot.
    Counter(Money),
}
