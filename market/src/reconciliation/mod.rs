//! Reconciliation: what a payment provider has, compared with what is here. It mends nothing; people look at what differs.

pub mod model;
pub mod rules;
pub mod store;
