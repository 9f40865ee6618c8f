//! Listings that people keep an eye on.

pub mod model;
pub mod store;
