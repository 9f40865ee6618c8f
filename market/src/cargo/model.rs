use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use shared::ids::OrgId;

/// One report about one shipment.
///
/// Within the reporting organisation, `(source, source_event_id)` names the event for ever: a
/// second one with the same name is dropped as a duplicate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CargoEvent {
    /// Who reports: a carrier's system, a tracker. 1 to 64 letters, digits and `. _ : -`.
    #[schema(pattern = "^[A-Za-z0-9._:-]{1,64}$", example = "gps-7")]
    pub source: String,
    /// The source's own name for this event: 1 to 128 visible ASCII characters.
    #[schema(pattern = "^[!-~]{1,128}$")]
    pub source_event_id: String,
    /// Counted by the source; orders its events of the same moment. 0 when the source does not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(minimum = 0)]
    pub sequence: i64,
    /// The shipment's reference: 1 to 64 letters, digits and `. _ : -`.
    #[schema(pattern = "^[A-Za-z0-9._:-]{1,64}$")]
    pub shipment: String,
    #[serde(rename = "type")]
    pub kind: EventType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ShipmentStatus>,
    /// When it happened, or is planned or estimated to happen, by the source's clock.
    pub occurred_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The `source_event_id` of an earlier event of this source and shipment that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[!-~]{1,128}$")]
    pub corrects: Option<String>,
    /// Anything else: a JSON object of at most 4096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(sequence: &i64) -> bool {
    *sequence == 0
}

/// How certain an event is. Only actual events decide a shipment's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "cargo_event_type", rename_all = "snake_case")]
pub enum EventType {
    Planned,
    Estimated,
    Actual,
}

impl EventType {
    pub const ALL: [Self; 3] = [Self::Planned, Self::Estimated, Self::Actual];

    /// The name used in JSON, SQL and routing keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Estimated => "estimated",
            Self::Actual => "actual",
        }
    }
}

/// Where a shipment is in its life. Of two that are stated for one moment, the later one in this list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "cargo_status", rename_all = "snake_case")]
pub enum ShipmentStatus {
    Pending,
    PickedUp,
    InTransit,
    OutForDelivery,
    Delivered,
    AttemptFailed,
    Exception,
    Returned,
    Cancelled,
}

impl ShipmentStatus {
    /// The name used in JSON and SQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PickedUp => "picked_up",
            Self::InTransit => "in_transit",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::AttemptFailed => "attempt_failed",
            Self::Exception => "exception",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing follows it; only a correction takes it back.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Cancelled)
    }

    /// Whether it says that the goods were picked up, after which nothing can be cancelled.
    #[must_use]
    pub const fn is_after_pick_up(self) -> bool {
        matches!(
            self,
            Self::PickedUp
                | Self::InTransit
                | Self::OutForDelivery
                | Self::Delivered
                | Self::AttemptFailed
                | Self::Returned
        )
    }
}

/// A point on the globe, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// −90 to 90, north is positive.
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: f64,
    /// −180 to 180, east is positive.
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: f64,
}

/// An event and the organisation that reported it.
#[derive(Clone, Debug)]
pub struct OwnedEvent {
    pub org: OrgId,
    pub event: CargoEvent,
}

/// The content of a message on the events lane: events of one organisation. `E` is [`CargoEvent`],
/// or raw text for a reader that looks at each event by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventMessage<E> {
    pub org: OrgId,
    pub events: Vec<E>,
}

/// An event as the log holds it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoredEvent {
    /// The order of recording.
    pub id: i64,
    /// When the log recorded it, by the database's clock.
    pub recorded_at: DateTime<Utc>,
    #[serde(flatten)]
    pub event: CargoEvent,
}
