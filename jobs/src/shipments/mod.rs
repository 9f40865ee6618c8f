//! Shipments: what follows from each act.

mod act;
pub mod mail;
mod report_shipment;

pub use act::{ActError, after, caught_up, followed, receive_order, ship_order};
pub use report_shipment::ReportShipment;
