//! How a shipment is getting on.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Tracking;
use crate::cargo::{EventType, ShipmentStatus};

/// When a shipment on its way may arrive, by how long the last journeys between its sites took, or between their regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Arrival {
    /// One in ten was there by then.
    pub earliest: DateTime<Utc>,
    /// Half of them were.
    pub likely: DateTime<Utc>,
    /// Nine in ten were.
    pub latest: DateTime<Utc>,
    /// How many journeys this is from: the last 50, and never less than 5.
    #[schema(minimum = 5, maximum = 50)]
    pub journeys: i64,
}

/// When a shipment is to be delivered, as somebody says: what was reported last, or else what its shipper plans. [`Arrival`] is what
/// journeys like it have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExpectedDelivery)]
pub struct Expected {
    pub at: DateTime<Utc>,
    /// `planned` or `estimated`.
    pub basis: EventType,
    /// When it was reported; absent: nobody has reported anything, and it is the shipper's own plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<DateTime<Utc>>,
}

impl Expected {
    /// A report counts before the shipper's plan: it comes from whoever carries the shipment, and later.
    pub(crate) fn new(
        reported: (Option<DateTime<Utc>>, Option<EventType>, Option<DateTime<Utc>>),
        planned: Option<DateTime<Utc>>,
    ) -> Option<Self> {
        let plan = || planned.map(|at| Self { at, basis: EventType::Planned, reported_at: None });
        match reported {
            (Some(at), Some(basis), reported_at) => Some(Self { at, basis, reported_at }),
            _ => plan(),
        }
    }
}

/// When a shipment first came to a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Milestone {
    pub status: ShipmentStatus,
    pub at: DateTime<Utc>,
}

/// Where something is, to a tenth of a degree: the neighbourhood, not the street.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Neighbourhood {
    /// −90 to 90, north is positive.
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: f64,
    /// −180 to 180, east is positive.
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: f64,
    pub seen_at: DateTime<Utc>,
}

/// What whoever knows a tracking number may see of its shipment: nothing about people, organisations, goods and addresses.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Track {
    pub tracking: Tracking,
    pub status: ShipmentStatus,
    /// The region that it left, if it left a site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The region that it goes to, if it goes to a site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// In the order in which it came to them.
    #[schema(max_items = 9)]
    pub milestones: Vec<Milestone>,
    /// While it is on its way, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
    /// Until it is there, if somebody has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// While it is on its way, if somebody has seen it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Neighbourhood>,
    /// Nothing was heard of it for longer than usual.
    pub stalled: bool,
}
