//! Orders: what every way to sell makes.

pub mod model;
pub mod store;
