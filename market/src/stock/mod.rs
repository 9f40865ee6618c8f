//! Where things are and how much of them: regions, sites, stock levels, reservations and movements.

pub mod model;
pub mod rules;
pub mod store;
