//! Shipments: what follows from each act.

mod act;
mod report_shipment;

pub use act::{ActError, after, receive_order, ship_order};
pub use report_shipment::ReportShipment;
