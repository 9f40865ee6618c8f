//! Payouts: what sellers have earned goes to their banks, through accounts of theirs at the payment provider.

pub mod model;
pub mod rules;
pub mod store;
