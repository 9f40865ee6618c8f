//! Carriers that report about an organisation's shipments themselves, by webhooks that they sign. What they report is in
//! [`cargo`](crate::cargo).

pub mod model;
pub mod rules;
pub mod store;
