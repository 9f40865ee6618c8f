//! Auctions: their rules, and the store that applies them under the lock of the auction's row.

pub mod model;
pub mod rules;
pub mod store;
