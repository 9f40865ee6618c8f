//! Returns: units of an order's lines go back to the seller, and with them stock and money, once.

pub mod model;
pub mod rules;
pub mod store;
