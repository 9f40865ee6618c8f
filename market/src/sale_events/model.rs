//! Sale events as sellers, bidders and everybody else see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use shared::text;
use utoipa::ToSchema;

use crate::auctions::model::{AuctionStatus, SecretMoney};
use crate::ids::{AuctionId, ListingId, RegistrationId, SaleEventId};

/// The most lots of an event: they are published in one transaction.
pub const MOST_LOTS: i64 = 500;

/// Where a sale event is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaleEventStatus {
    /// Only the seller sees it.
    Draft,
    /// Bidders register.
    Published,
    /// Its start has come, and not all of its lots are decided.
    Running,
    /// All of its lots are decided.
    Ended,
    Cancelled,
}

/// A sale event to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSaleEvent {
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<200>)]
    pub title: String,
    #[serde(default, deserialize_with = "text::many_lines")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 5_000)]
    pub description: String,
    /// Of all of its lots, and of the limits.
    pub currency: Currency,
    pub starts_at: DateTime<Utc>,
    /// When lot 1 ends.
    pub first_ends_at: DateTime<Utc>,
    /// How much later each lot ends than the one before it; 30,000 when absent.
    #[schema(minimum = 0, maximum = 86_400_000)]
    pub step_ms: Option<i32>,
    /// How long a late bid leaves others to answer it, in its lot and in all of its group; 0 turns this off, 300 when absent.
    #[schema(minimum = 0, maximum = 86_400)]
    pub soft_close_seconds: Option<i32>,
    /// How far late bids move the end of a lot, or of the last lot of a group, at most; 3600 when absent.
    #[schema(minimum = 0, maximum = 86_400)]
    pub hard_close_seconds: Option<i32>,
    /// Whoever registers is approved with it. When absent, the seller decides about each.
    pub default_limit: Option<Money>,
}

/// What changes in a draft; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleEventChange {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<200>)]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 5_000)]
    pub description: Option<String>,
    pub starts_at: Option<DateTime<Utc>>,
    pub first_ends_at: Option<DateTime<Utc>>,
    #[schema(minimum = 0, maximum = 86_400_000)]
    pub step_ms: Option<i32>,
    #[schema(minimum = 0, maximum = 86_400)]
    pub soft_close_seconds: Option<i32>,
    #[schema(minimum = 0, maximum = 86_400)]
    pub hard_close_seconds: Option<i32>,
    /// `null`: the seller decides about each bidder.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Money>)]
    pub default_limit: Option<Option<Money>>,
}

/// Tells null, `Some(None)`, from absent.
#[expect(clippy::option_option, reason = "a limit is absent, taken away or given")]
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Money>>, D::Error> {
    Option::<Money>::deserialize(from).map(Some)
}

/// A lot to put into a draft.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSaleEventLot {
    /// A listing of the seller that is sold by auction, in the event's currency; published at the latest when the event is.
    pub listing_id: ListingId,
    /// After the last lot when absent.
    #[schema(minimum = 1, maximum = 500)]
    pub lot_no: Option<i32>,
    /// A late bid in one lot of a group keeps all of its lots open that are. Without a group, a lot ends by itself.
    #[schema(minimum = 1, maximum = 500)]
    pub group: Option<i32>,
    pub opening: Money,
    #[schema(value_type = Option<Money>)]
    pub reserve: Option<SecretMoney>,
    /// Required if the listing's sale mode is `auction_buy_now`, and refused otherwise.
    pub buy_now: Option<Money>,
}

/// A sale event as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SaleEvent {
    pub id: SaleEventId,
    pub seller_org_id: OrgId,
    pub title: String,
    pub description: String,
    pub currency: Currency,
    pub status: SaleEventStatus,
    pub starts_at: DateTime<Utc>,
    pub first_ends_at: DateTime<Utc>,
    pub step_ms: i32,
    pub soft_close_seconds: i32,
    pub hard_close_seconds: i32,
    /// Whoever registers is approved with it.
    pub default_limit: Option<Money>,
    pub lots: i64,
    /// Those that are not decided yet.
    pub lots_open: i64,
}

/// A lot as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SaleEventLot {
    pub lot_no: i32,
    pub group: Option<i32>,
    pub listing_id: ListingId,
    pub title: String,
    /// From the publication on: where bids are placed.
    pub auction_id: Option<AuctionId>,
    pub status: Option<AuctionStatus>,
    /// The opening price before the first bid.
    pub price: Money,
    pub bid_count: i64,
    /// As it stands now, or is planned.
    pub ends_at: DateTime<Utc>,
}

/// Where a registration is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RegistrationStatus {
    Requested,
    Approved,
    Refused,
}

/// The registration of an organisation that wants to bid in an event, as both sides see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Registration {
    pub id: RegistrationId,
    pub event_id: SaleEventId,
    pub org_id: OrgId,
    pub org_name: String,
    pub status: RegistrationStatus,
    /// For all lots of the event together, with the buyer's premium.
    pub limit: Option<Money>,
    pub requested_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
}

/// An organisation's own registration. What is reserved follows from its secret maxima, so that nobody else sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnRegistration {
    #[serde(flatten)]
    pub registration: Registration,
    /// By the lots that it leads, has won or bought.
    pub reserved: Money,
    /// What it can still bid.
    pub left: Money,
}

/// How far a published sale event has got, for those who watch it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SaleEventProgress {
    pub id: SaleEventId,
    /// Grows with every change of a lot that everybody sees.
    #[serde(skip)]
    pub seq: i64,
    pub lots_open: i64,
    /// The one that ends next.
    pub current: Option<CurrentLot>,
}

/// The lot of a sale event that ends next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CurrentLot {
    pub lot_no: i32,
    pub auction_id: AuctionId,
    pub price: Money,
    pub bid_count: i64,
    pub ends_at: DateTime<Utc>,
}
