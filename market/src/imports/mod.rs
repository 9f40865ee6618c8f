//! CSV files that people send to be applied row by row: stock, and listings.

pub mod model;
pub mod rules;
pub mod store;
