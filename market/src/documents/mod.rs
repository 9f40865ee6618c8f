//! Documents of organisations, such as licences and insurances, which expire.

pub mod model;
pub mod rules;
pub mod store;
