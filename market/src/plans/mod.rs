//! Plans: what organisations pay the platform each month, what that allows them, and what happens when they do not pay.

pub mod model;
pub mod rules;
pub mod store;
