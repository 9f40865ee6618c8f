//! Listings: an item offered in one way, in one currency.

pub mod model;
pub mod rules;
pub mod store;
