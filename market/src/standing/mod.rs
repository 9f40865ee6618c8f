//! Buyers who win and do not pay: strikes, what follows from them, and appeals.

pub mod model;
pub mod rules;
pub mod store;
