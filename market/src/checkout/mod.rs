//! Checkouts: what a buyer pays at once, an order for each seller.

pub mod model;
pub mod rules;
pub mod store;
