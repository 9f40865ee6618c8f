//! Offers: buyer and seller propose a price in turn, until one accepts what the other has proposed.

pub mod model;
pub mod rules;
pub mod store;
