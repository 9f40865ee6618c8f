//! SQL for vehicles and shipments.
//!
//! A shipment is guarded by its own lock, and one of an order by that order's lock before it. Under it an act decides, moves the stock
//! and writes; that the stock was moved once, and as the status says, is what the database compares at commit. What is on a vehicle is
//! read under the vehicle's lock.
//!
//! What is traded may leave before it is paid. That moves no stock, since the units stay reserved until paying takes them, and the
//! order is not touched: paying it [catches up](catch_up). What is packed when its checkout ends unpaid is called off by that.
//!
//! How to get this wrong: to read a shipment before its order is locked, since the last delivery of an order decides that all of it
//! has arrived; to lock a vehicle after stock; to take units of an order's line from stock, which paying has done.

mod act;
mod arrival;
mod change;
mod collect;
mod create;
mod figures;
mod follow;
mod locked;
mod order;
mod plan;
mod read;
mod room;
#[cfg(test)]
mod tests;
mod trace;
mod vehicles;

use chrono::{DateTime, Utc};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};

use super::model::Shipment;
use super::rules::ShipmentRefusal;
use crate::escrow::store::EscrowError;
use crate::ids::OrderId;
use crate::stock::model::Moved;
use crate::stock::store::StockError;

pub use act::{cancel, deliver, fail, give_back, pick_up};
pub use arrival::track;
pub use change::{change, lock_own};
pub(crate) use collect::collect;
pub use create::create;
pub use figures::{FigureFilter, figures};
pub use follow::follow;
pub(crate) use order::{call_off_packed, gone};
pub use order::{catch_up, receive_order, ship_order};
pub(crate) use plan::plan_delivery;
pub use read::{ShipmentFilter, find, get, numbered, of_order, page};
pub use trace::{Progress, hear, progress, stall};
pub use vehicles::{
    add_maintenance, archive_vehicle, change_vehicle, create_vehicle, lock_vehicle, maintenance, remove_maintenance,
    vehicle, vehicles_of,
};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ShipmentError {
    #[error("there is no such shipment")]
    NotFound,
    #[error("there is no such vehicle")]
    NoVehicle,
    #[error("there is no such order")]
    NoOrder,
    #[error(transparent)]
    Refused(#[from] ShipmentRefusal),
    #[error(transparent)]
    Escrow(EscrowError),
    #[error(transparent)]
    Stock(StockError),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

/// What an act has done.
#[derive(Clone, Debug)]
pub struct Done {
    /// As it is now.
    pub shipment: Shipment,
    /// What the act is called in the event log.
    pub act: &'static str,
    /// The clock when it was done.
    pub at: DateTime<Utc>,
    pub moved: Vec<Moved>,
    /// What its order has become by that.
    pub order: Option<OrderStep>,
}

/// What an order has become because of its shipments, and its version then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStep {
    Sent { order: OrderId, version: i64 },
    Arrived { order: OrderId, version: i64, inspect_until: DateTime<Utc> },
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("vehicles_name_length", "/name", "must have 1 to 100 characters"),
    ("vehicles_registration_length", "/registration", "must have 1 to 50 characters"),
    ("vehicles_registration_once", "/registration", "another vehicle of the organisation has it"),
    ("vehicles_max_weight_range", "/max_weight_g", "must lie between 1 and 1000000000000000"),
    ("vehicles_max_volume_range", "/max_volume_ml", "must lie between 1 and 1000000000000000"),
    ("vehicles_per_org", "", "the organisation has 1000 vehicles: archive some first"),
    ("maintenance_windows_reason_length", "/reason", "must have 1 to 500 characters"),
    ("maintenance_windows_in_order", "/ends_at", "must be after `starts_at`"),
    ("maintenance_windows_apart", "/starts_at", "the vehicle is in maintenance then already"),
    ("maintenance_windows_per_vehicle", "", "the vehicle has 100 windows ahead: remove some first"),
    ("shipments_address_length", "/to_address", "must have 1 to 500 characters"),
    ("shipments_carrier_length", "/carrier", "must have 1 to 100 characters"),
    ("shipments_own_site", "/from_site", "the organisation has no such site"),
    ("shipments_receivers_site", "/to_site", "the receiver has no such site"),
    ("shipments_own_vehicle", "/vehicle", "the organisation has no such vehicle"),
    ("shipments_consignee_differs", "/consignee_org_id", "must be another organisation"),
    ("shipments_consignee_org_id_fkey", "/consignee_org_id", "there is no such organisation"),
    ("shipments_from_somewhere", "/from_site", "say where it leaves"),
    ("shipments_to_somewhere", "/to_site", "name a site or an address, and for an order no site"),
    ("shipments_to_another_site", "/to_site", "must be another site"),
    ("shipments_planned_in_order", "/planned_delivery", "must be after `planned_pickup`"),
    ("shipments_vehicle_planned", "/vehicle", "plan pick-up and delivery of what a vehicle carries"),
    ("shipments_per_order", "", "an order has at most 100 shipments"),
    ("shipment_lines_own_item", "/lines", "the organisation has no such item"),
    ("shipment_lines_of_order_line", "/lines", "the order has no such line"),
    ("shipment_lines_order_line_once", "/lines", "name each line of the order once"),
    ("shipment_lines_number_range", "/lines", "a shipment has at most 100 lines"),
    ("shipment_lines_quantity_range", "/lines", "a quantity must lie between 1 and 1000000000"),
    ("shipment_lines_weight_range", "/lines", "a weight must lie between 0 and 1000000000000"),
    ("shipment_lines_volume_range", "/lines", "a volume must lie between 0 and 1000000000000"),
    ("shipment_lines_weight_bound", "/lines", "the units of a line weigh at most 1000000000000000 g together"),
    ("shipment_lines_volume_bound", "/lines", "the units of a line take at most 1000000000000000 ml together"),
    ("shipment_lines_within_order", "/lines", "more would be shipped than was bought"),
];

impl ShipmentError {
    /// What is wrong with `/lines`, said of one of them.
    fn within(self, place: usize) -> Self {
        match self {
            Self::Invalid(Invalid { pointer, message }) if pointer == "/lines" => {
                Self::Invalid(Invalid::new(format!("/lines/{place}"), message))
            }
            other => other,
        }
    }
}

impl From<sqlx::Error> for ShipmentError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("shipments_of_seller") {
            return Self::NoOrder;
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

impl From<StockError> for ShipmentError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Database(error) => Self::Sql(error),
            error => Self::Stock(error),
        }
    }
}

impl From<EscrowError> for ShipmentError {
    fn from(error: EscrowError) -> Self {
        match error {
            EscrowError::NotFound => Self::NoOrder,
            EscrowError::Sql(error) => Self::Sql(error),
            error => Self::Escrow(error),
        }
    }
}
