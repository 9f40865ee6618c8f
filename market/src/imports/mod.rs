//! CSV files that people send to be applied row by row: stock, listings, and past sales.

pub mod model;
pub mod rules;
pub mod store;
