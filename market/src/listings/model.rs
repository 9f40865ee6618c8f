//! Listings as everybody sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use shared::text;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use crate::identity::OrgKind;
use crate::ids::{CategoryId, ItemId, ListingId, SiteId};
use crate::reviews::model::Rating;

/// How a listing is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SaleMode {
    /// At its price, to whoever buys first.
    Fixed,
    Auction,
    /// An auction that can be bought out until the bidding starts.
    AuctionBuyNow,
    /// Buyers propose a price.
    Offer,
    /// The organisation wants to buy.
    Wanted,
}

impl SaleMode {
    /// What an organisation must be to list something in this way.
    #[must_use]
    pub const fn lister(self) -> OrgKind {
        match self {
            Self::Wanted => OrgKind::Buyer,
            Self::Fixed | Self::Auction | Self::AuctionBuyNow | Self::Offer => OrgKind::Seller,
        }
    }

    #[must_use]
    pub const fn is_auction(self) -> bool {
        matches!(self, Self::Auction | Self::AuctionBuyNow)
    }
}

/// Where a listing is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ListingStatus {
    Draft,
    InReview,
    Published,
    Suspended,
    SoldOut,
    Ended,
    Withdrawn,
}

impl ListingStatus {
    /// Whether it is shown to everybody: it is on offer, or was until it ended.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Published | Self::SoldOut | Self::Ended)
    }
}

/// The language of a listing's title and description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Language {
    Da,
    De,
    #[default]
    En,
    Es,
    Fi,
    Fr,
    It,
    Nl,
    No,
    Pt,
    Sv,
    /// Another one.
    #[serde(rename = "xx")]
    #[sqlx(rename = "xx")]
    Other,
}

/// An item on offer. Drafts are shown to their organisation only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listing {
    pub id: ListingId,
    pub seller_org_id: OrgId,
    /// The name that the seller trades under.
    pub seller_name: String,
    /// How the seller was reviewed; absent if nobody has yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller_rating: Option<Rating>,
    pub item_id: ItemId,
    /// Where the item is; it is sold from the stock there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    pub category_id: CategoryId,
    pub title: String,
    pub description: String,
    pub language: Language,
    /// The item's attributes, in the shape that its category requires.
    #[schema(value_type = Object)]
    pub attributes: Value,
    /// What the item fits or works with, in the seller's words.
    pub compatibility: Vec<String>,
    pub sale_mode: SaleMode,
    pub currency: Currency,
    /// Per unit; auctions have their own amounts.
    pub price: Option<Money>,
    /// Whether buyers may propose another price; what is sold by offer, or wanted, takes offers anyway.
    pub takes_offers: bool,
    pub quantity: i64,
    pub min_quantity: i64,
    /// Units that nobody has reserved: of the stock at its site, or else of its own quantity. An auction has reserved its lot.
    pub available: i64,
    /// What a quantity counts.
    pub unit: String,
    pub delivery_options: Vec<String>,
    pub status: ListingStatus,
    /// Why a moderator has suspended it, or sent it back to its seller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Since when it waits for a moderator, or did the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<DateTime<Utc>>,
    /// The listing that this one lists again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relist_of: Option<ListingId>,
    pub published_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Nothing of its seller is shown to others.
    #[serde(skip)]
    pub seller_suspended: bool,
    /// Counts the changes of its status, title, price and mode of sale, which those who follow it see.
    #[serde(skip)]
    pub shown_version: i64,
    /// Counts all changes of the listing and of the stock that it sells from. It only grows once the listing was published: until then
    /// its item and its site may be others.
    #[serde(skip)]
    pub stock_version: i64,
}

/// How far a listing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub id: ListingId,
    pub shown_version: i64,
    pub stock_version: i64,
    pub is_public: bool,
}

/// A listing to create, as a draft.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewListing {
    pub item_id: ItemId,
    /// Sell from the stock of the item at this site; without one, the listing has its own quantity.
    pub site_id: Option<SiteId>,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<200>)]
    pub title: String,
    #[serde(default, deserialize_with = "text::many_lines")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 20_000)]
    pub description: String,
    #[serde(default)]
    pub language: Language,
    pub sale_mode: SaleMode,
    pub currency: Currency,
    /// Refused for auctions; `fixed` needs it before it is published.
    pub price: Option<Money>,
    /// Whether buyers may propose another price than the fixed one.
    #[serde(default)]
    pub takes_offers: bool,
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: i64,
    /// At most the quantity.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub min_quantity: i64,
    /// Any of `pickup`, `parcel`, `freight`, `orbital`.
    #[serde(default = "pickup")]
    #[schema(schema_with = delivery_options)]
    pub delivery_options: Vec<String>,
}

/// Changes to a draft; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListingChange {
    pub item_id: Option<ItemId>,
    /// Null: the listing has its own quantity.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SiteId>)]
    pub site_id: Option<Option<SiteId>>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<200>)]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 20_000)]
    pub description: Option<String>,
    pub language: Option<Language>,
    pub sale_mode: Option<SaleMode>,
    /// Another one needs a price in it, if there is a price.
    pub currency: Option<Currency>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Money>)]
    pub price: Option<Option<Money>>,
    pub takes_offers: Option<bool>,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: Option<i64>,
    /// At most the quantity.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub min_quantity: Option<i64>,
    #[schema(schema_with = delivery_options_or_null)]
    pub delivery_options: Option<Vec<String>>,
}

/// Tells null, `Some(None)`, from absent.
#[expect(clippy::option_option, reason = "a price or a site is absent, taken away or given")]
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The options that the table's constraint allows.
const DELIVERY_OPTIONS: [&str; 4] = ["pickup", "parcel", "freight", "orbital"];

fn delivery_options() -> ArrayBuilder {
    let option = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(DELIVERY_OPTIONS));
    ArrayBuilder::new().items(option).min_items(Some(1)).max_items(Some(4))
}

fn delivery_options_or_null() -> ArrayBuilder {
    delivery_options().schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
}

const fn one() -> i64 {
    1
}

fn pickup() -> Vec<String> {
    vec!["pickup".to_owned()]
}

/// The place of a published listing in the list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub published_at: DateTime<Utc>,
    pub id: ListingId,
}

impl Listing {
    /// Whether everybody may see it.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.status.is_public() && !self.seller_suspended
    }

    #[must_use]
    pub const fn progress(&self) -> Progress {
        let (shown_version, stock_version) = (self.shown_version, self.stock_version);
        Progress { id: self.id, shown_version, stock_version, is_public: self.is_public() }
    }

    /// Where the list goes on after this listing; absent for what was never published.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.published_at.map(|published_at| Cursor { published_at, id: self.id })
    }
}
