//! Money: exchange rates, what the platform and the state take of a sale, how it is shared out, and the ledger that keeps
//! whose it is.

pub mod model;
pub mod rules;
pub mod store;
