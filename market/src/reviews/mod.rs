//! Reviews: what the two sides of a completed order say about each other, and how organisations are rated by them.

pub mod model;
pub mod rules;
pub mod store;
