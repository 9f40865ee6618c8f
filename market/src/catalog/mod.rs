//! What can be sold: categories and the items of organisations.

pub mod model;
pub mod rules;
pub mod store;
