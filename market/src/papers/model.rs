//! Papers, and what stands on each.

mod waste;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{AppointmentId, OrderId, PaperId, ShipmentId};
use crate::shipments::model::Tracking;

pub use waste::{WasteCarrier, WasteData, WasteFacility};

/// What a paper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PaperKind {
    /// What of an order is still to be fetched, for its seller.
    PickingList,
    /// Of a shipment, for its shipper.
    ShippingLabel,
    /// Of an appointment, for the order's buyer. It holds a new pass: the one before is good for nothing from then on.
    ReleasePass,
    /// The document of Annex VII to Regulation (EU) 2024/1157 that accompanies a shipment of waste, for its shipper.
    WasteMovement,
}

/// Where a paper is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PaperStatus {
    /// A job prints it.
    Queued,
    Ready,
    Failed,
    /// Its file is gone.
    Expired,
}

/// A paper to print.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPaper {
    pub kind: PaperKind,
    /// The id of the order, the shipment or the appointment that the kind is about.
    pub about: Uuid,
    /// What only the document of a shipment of waste has.
    #[serde(default)]
    pub waste: Option<WasteData>,
}

/// What a paper is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    PickingList(OrderId),
    ShippingLabel(ShipmentId),
    ReleasePass(AppointmentId),
    WasteMovement(ShipmentId),
}

impl Subject {
    #[must_use]
    pub const fn of(kind: PaperKind, about: Uuid) -> Self {
        match kind {
            PaperKind::PickingList => Self::PickingList(OrderId(about)),
            PaperKind::ShippingLabel => Self::ShippingLabel(ShipmentId(about)),
            PaperKind::ReleasePass => Self::ReleasePass(AppointmentId(about)),
            PaperKind::WasteMovement => Self::WasteMovement(ShipmentId(about)),
        }
    }
}

/// A paper that somebody has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    pub id: PaperId,
    pub org: OrgId,
    pub requested_by: UserId,
    pub kind: PaperKind,
    pub about: Uuid,
    /// As it was stated when it was asked for.
    pub waste: Option<WasteData>,
    pub status: PaperStatus,
    pub failure: Option<String>,
    pub job: Option<JobId>,
    pub object_key: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Paper {
    /// Where its file lies in the blob store.
    #[must_use]
    pub fn key(id: PaperId) -> String {
        format!("papers/{id}.pdf")
    }

    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::of(self.kind, self.about)
    }

    /// The name under which it is downloaded.
    #[must_use]
    pub fn file_name(&self) -> String {
        let kind = match self.kind {
            PaperKind::PickingList => "picking-list",
            PaperKind::ShippingLabel => "label",
            PaperKind::ReleasePass => "release-pass",
            PaperKind::WasteMovement => "waste-movement",
        };
        format!("{kind}-{}.pdf", self.about)
    }
}

/// Units of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    pub title: String,
    pub quantity: i64,
    pub unit: String,
}

/// What of an order has not left yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickingList {
    pub order: OrderId,
    pub seller: String,
    /// By when the first shipment that waits is picked up, or its buyer comes; with the seller's time zone.
    pub due: Option<DateTime<Utc>>,
    pub time_zone: String,
    pub lines: Vec<Pick>,
}

/// Units to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The site that they were sold from.
    pub site: Option<String>,
    pub sku: String,
    pub units: Units,
}

/// A side of a shipment: nothing but name, country and what was written down of the place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub name: String,
    /// An address or a site.
    pub place: Option<String>,
    /// ISO 3166-1, two letters.
    pub country: Option<String>,
    pub country_name: Option<String>,
}

/// A line of a shipment; what its category does not know of it is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    pub title: String,
    pub quantity: i64,
    pub weight_g: i64,
    pub volume_ml: i64,
    pub is_waste: bool,
    pub ewc_code: Option<String>,
    pub material: Option<String>,
    pub origin: Option<String>,
    pub packaging: Option<String>,
    pub processing: Vec<String>,
}

/// A shipment as its papers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consignment {
    pub tracking: Tracking,
    pub order: Option<OrderId>,
    pub from: Side,
    pub to: Side,
    /// Who carries it, when the shipper does not.
    pub carrier: Option<String>,
    /// The registration of the shipper's own vehicle.
    pub vehicle: Option<String>,
    pub planned_pickup: Option<DateTime<Utc>>,
    pub planned_delivery: Option<DateTime<Utc>>,
    pub picked_up_at: Option<DateTime<Utc>>,
    pub goods: Vec<Goods>,
}

/// A collection as its pass shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    pub order: OrderId,
    pub seller: String,
    pub buyer: String,
    pub site: String,
    pub region: String,
    /// In millionths of a degree.
    pub latitude_e6: i64,
    pub longitude_e6: i64,
    /// Of the site.
    pub time_zone: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub lines: Vec<Units>,
}
