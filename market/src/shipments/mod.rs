//! Shipments and the fleet: what leaves a site, what carries it, and what becomes of it. What carriers report of it is in
//! [`cargo`](crate::cargo).

pub mod model;
pub mod rules;
pub mod store;
