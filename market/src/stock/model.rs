//! Regions, sites and stock as their organisation sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use shared::ids::{OrgId, UserId};
use shared::text;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{AuctionId, ItemId, ListingId, OrderId, RegionId, SiteId};

/// How large a region is, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RegionKind {
    /// A planet or a moon.
    Body,
    Country,
    State,
    District,
}

/// A part of a body, or the body as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Region {
    pub id: RegionId,
    pub parent_id: Option<RegionId>,
    pub kind: RegionKind,
    /// The whole path: `earth/de/by`.
    #[schema(example = "earth/de")]
    pub code: String,
    pub name: String,
    /// The body that it lies on.
    #[schema(example = "earth")]
    pub body: String,
}

/// A region to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegion {
    /// The region that it lies in; a body lies in none.
    pub parent_id: Option<RegionId>,
    /// Smaller than what it lies in.
    pub kind: RegionKind,
    /// The last part of its code; permanent.
    #[schema(pattern = "^[a-z0-9-]+$", max_length = 100, example = "by")]
    pub slug: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    /// Of a body, and of nothing else: what distances on it are measured by.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub radius_m: Option<f64>,
}

/// Changes to a region; absent fields stay as they are. It stays where it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionChange {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub name: Option<String>,
}

/// What a site is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SiteKind {
    Depot,
    Dealership,
    Store,
    Plant,
    Station,
}

/// A place where an organisation keeps things.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Site {
    pub id: SiteId,
    pub org_id: OrgId,
    pub region_id: RegionId,
    pub name: String,
    pub kind: SiteKind,
    /// The body that it stands on.
    #[schema(example = "earth")]
    pub body: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Units of whatever is there, together; without one, nobody counts.
    pub capacity: Option<i64>,
    /// What is there, on hand and quarantined; 0 without a capacity.
    pub stored: i64,
    pub created_at: DateTime<Utc>,
    /// Counts the changes that people make.
    pub version: i64,
}

/// A site to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// It stands on the body of its region.
    pub region_id: RegionId,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    pub kind: SiteKind,
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: f64,
    /// Units of whatever is there, together; without one, nobody counts.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub capacity: Option<i64>,
}

/// Changes to a site; absent fields stay as they are. It stays where it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteChange {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub name: Option<String>,
    pub kind: Option<SiteKind>,
    /// Units of whatever is there, together; null: nobody counts. Whether somebody does is settled once it has stock.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub capacity: Option<Option<i64>>,
}

/// Tells null, `Some(None)`, from absent.
#[expect(clippy::option_option, reason = "a limit is absent, taken away or given")]
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// How much of an item is at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Level {
    pub item_id: ItemId,
    pub site_id: SiteId,
    pub org_id: OrgId,
    /// Can be sold, reserved units included.
    pub on_hand: i64,
    pub reserved: i64,
    /// Is there and is not sold.
    pub quarantined: i64,
    /// The most units of this item at this site.
    pub capacity: Option<i64>,
    /// On hand at or below this is low; unless set, less than a tenth of the capacity is.
    pub low_at: Option<i64>,
    pub is_low: bool,
    /// Counts every change.
    pub version: i64,
}

impl Level {
    /// What nobody has reserved.
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// Why a level has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MovementKind {
    /// Somebody has counted, or corrects.
    Adjust,
    Import,
    TransferOut,
    TransferIn,
    Reserve,
    /// Reserved units are available again.
    Free,
    /// Reserved units have left.
    Take,
    /// Reserved units have left unpaid, and nobody expects them to be paid any more.
    WriteOff,
    /// Sold units came back.
    Return,
    Quarantine,
    Release,
}

/// One change of a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Movement {
    pub id: i64,
    pub kind: MovementKind,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
    pub quarantined_delta: i64,
    pub reason: Option<String>,
    /// The reservation, transfer or import that it belongs to.
    pub reference: Option<Uuid>,
    /// Absent: nobody in person.
    pub actor: Option<UserId>,
    pub at: DateTime<Utc>,
    /// The level's version that it made.
    pub version: i64,
}

/// Which way a level has crossed the line below which it is low.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Crossing {
    /// It has become low.
    Down,
    /// It has recovered.
    Up,
}

/// A crossing that its organisation hears of, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    pub org: OrgId,
    pub item: ItemId,
    pub site: SiteId,
    pub crossing: Crossing,
    /// How many crossings of this level there were, this one included.
    pub number: i32,
    pub on_hand: i64,
}

/// A level after a change, and the crossing that this was, if it was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub level: Level,
    pub alert: Option<Alert>,
}

/// What units are reserved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Auction(AuctionId),
    Line { order: OrderId, line_no: i16 },
}

/// Units of a listing that somebody wants to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    pub listing: ListingId,
    /// At least 1.
    pub quantity: i64,
    pub holder: Holder,
}

/// What people set of a level; what is absent stays.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelChange {
    /// The most units of this item at this site; null: no such limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000)]
    pub capacity: Option<Option<i64>>,
    /// On hand at or below this is low; null: less than a tenth of the capacity is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    pub low_at: Option<Option<i64>>,
}

/// What people call an item and a site.
#[derive(Clone, Debug)]
pub struct PlaceNames {
    pub item: String,
    pub site: String,
}
