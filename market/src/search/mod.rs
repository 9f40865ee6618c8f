//! Finding listings that are on offer.

pub mod model;
pub mod rules;
pub mod store;
