//! Vehicles and shipments, as their organisations see them.

mod figures;
mod progress;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use shared::ids::OrgId;
use shared::text;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::rules::tracking;
use crate::cargo::{Position, ShipmentStatus};
use crate::ids::{ItemId, MaintenanceId, OrderId, ShipmentId, SiteId, VehicleId};

pub use figures::{RegionFigures, ShipmentCounts, ShipmentFigures, SiteFigures};
pub use progress::{Arrival, Expected, Milestone, Neighbourhood, Track};

/// What an organisation moves things with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Vehicle {
    pub id: VehicleId,
    pub org_id: OrgId,
    pub name: String,
    /// A number plate, or whatever else is painted on it.
    pub registration: String,
    /// The most that it carries, in grams.
    pub max_weight_g: i64,
    /// The most that goes into it, in millilitres.
    pub max_volume_ml: i64,
    pub created_at: DateTime<Utc>,
    /// Counts the changes that people make.
    pub version: i64,
}

/// A vehicle to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVehicle {
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    /// No other vehicle of the organisation has it.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<50>)]
    pub registration: String,
    /// The most that it carries, in grams.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    pub max_weight_g: i64,
    /// The most that goes into it, in millilitres.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    pub max_volume_ml: i64,
}

/// Changes to a vehicle; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VehicleChange {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<50>)]
    pub registration: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    pub max_weight_g: Option<i64>,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    pub max_volume_ml: Option<i64>,
}

/// When a vehicle cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Maintenance {
    pub id: MaintenanceId,
    pub starts_at: DateTime<Utc>,
    /// It is back then.
    pub ends_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A time in which a vehicle cannot be used; no other one of it overlaps.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMaintenance {
    pub starts_at: DateTime<Utc>,
    /// After `starts_at`.
    pub ends_at: DateTime<Utc>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<500>)]
    pub reason: Option<String>,
}

/// What others know a shipment by: `TY`, 16 characters that nobody guesses, and one that shows most slips of the pen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Tracking(String);

impl Tracking {
    /// Makes a new number.
    #[must_use]
    pub fn generate() -> Self {
        Self(tracking::number(rand::random()))
    }

    /// Reads what somebody has typed; `None` if it is not a number of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        tracking::is_valid(text).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is not a number of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a tracking number")]
pub struct NotATracking;

impl std::str::FromStr for Tracking {
    type Err = NotATracking;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or(NotATracking)
    }
}

impl std::fmt::Display for Tracking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialSchema for Tracking {
    fn schema() -> RefOr<Schema> {
        let example = "TY7K3M9QX2B5W8ZC4DT";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(tracking::PATTERN)).examples([example]).into()
    }
}

impl ToSchema for Tracking {
    fn name() -> Cow<'static, str> {
        "Tracking".into()
    }
}

/// Things on their way, or that were.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Shipment {
    pub id: ShipmentId,
    /// The number that it is followed by, and its reference in the event log.
    pub tracking: Tracking,
    /// The shipper.
    pub org_id: OrgId,
    /// Who gets it; absent: the shipper itself, or nobody on the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consignee_org_id: Option<OrgId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_site: Option<SiteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_site: Option<SiteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_address: Option<String>,
    /// Who carries it, when the shipper does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<VehicleId>,
    pub status: ShipmentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_pickup: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_delivery: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picked_up_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Counts every change.
    pub version: i64,
    /// Since when its shipper knows that nothing was heard of it for too long; absent: it is not silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled_since: Option<DateTime<Utc>>,
    /// Where it was last seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<DateTime<Utc>>,
    /// While it is on its way between two sites, if enough journeys like it are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
    /// Until it is there, if somebody has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// Counts every change of what is shown here.
    #[serde(skip)]
    pub seq: i64,
    /// When the last thing was heard of it.
    #[serde(skip)]
    pub heard_at: DateTime<Utc>,
    /// When somebody here last decided its status.
    #[serde(skip)]
    pub acted_at: Option<DateTime<Utc>>,
    pub lines: Vec<ShipmentLine>,
}

/// Units of one item in a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShipmentLine {
    pub line: i16,
    pub item_id: ItemId,
    pub title: String,
    /// Its place among the order's lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_line: Option<i16>,
    pub quantity: i64,
    /// Of one unit, in grams.
    pub weight_g: i64,
    /// Of one unit, in millilitres.
    pub volume_ml: i64,
    pub delivered_quantity: i64,
    pub returned_quantity: i64,
    /// Whether the shipper's stock book has the units until they leave.
    #[serde(skip)]
    pub stocked: bool,
    /// As whose units they arrive.
    #[serde(skip)]
    pub to_item: Option<ItemId>,
}

impl ShipmentLine {
    /// What is still on its way.
    #[must_use]
    pub const fn open_quantity(&self) -> i64 {
        self.quantity - self.delivered_quantity - self.returned_quantity
    }
}

/// Units to ship: of an item, or of a line of the order.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShipmentLine {
    /// An item of the shipper; with an order, leave it out.
    pub item_id: Option<ItemId>,
    /// The line's place in the order; the first is 1.
    #[schema(minimum = 1, maximum = 32_767)]
    pub order_line: Option<i16>,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: i64,
    /// Of one unit, in grams.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub weight_g: i64,
    /// Of one unit, in millilitres.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub volume_ml: i64,
}

/// A shipment to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShipment {
    /// An order of the shipper's, paid or a trade's; the shipment goes to its buyer.
    pub order_id: Option<OrderId>,
    /// Another organisation that gets it; with an order, leave it out.
    pub consignee_org_id: Option<OrgId>,
    /// A site of the shipper. An order may do without.
    pub from_site: Option<SiteId>,
    /// A site of the consignee, or of the shipper if there is none; this or an address.
    pub to_site: Option<SiteId>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<500>)]
    pub to_address: Option<String>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub carrier: Option<String>,
    /// A vehicle of the shipper; then both times must be planned.
    pub vehicle: Option<VehicleId>,
    pub planned_pickup: Option<DateTime<Utc>>,
    pub planned_delivery: Option<DateTime<Utc>>,
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<NewShipmentLine>,
}

/// Changes to a line; absent fields stay as they are.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    #[schema(minimum = 1, maximum = 100)]
    pub line: i16,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: Option<i64>,
    /// Of one unit, in grams.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub weight_g: Option<i64>,
    /// Of one unit, in millilitres.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub volume_ml: Option<i64>,
}

/// Changes to a shipment that was not picked up; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentChange {
    /// Of one that goes to an address, or to a buyer.
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<500>)]
    pub to_address: Option<String>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub carrier: Option<String>,
    /// Null: on none of the shipper's own.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<VehicleId>)]
    pub vehicle: Option<Option<VehicleId>>,
    pub planned_pickup: Option<DateTime<Utc>>,
    pub planned_delivery: Option<DateTime<Utc>>,
    /// Each line once.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub lines: Vec<LineChange>,
}

/// Tells null, `Some(None)`, from absent.
#[expect(clippy::option_option, reason = "a vehicle is absent, taken away or given")]
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<VehicleId>>, D::Error> {
    Option::deserialize(from).map(Some)
}
