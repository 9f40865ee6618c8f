//! Buyers who do not pay what they have won, or got in a trade: strikes, what follows from them, and appeals.

pub mod model;
pub mod rules;
pub mod store;
