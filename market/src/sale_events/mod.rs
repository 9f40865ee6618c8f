//! Sale events: catalogues of lots that end one after the other, with bidders whose limit counts across all of them.
//!
//! A lot is an auction like any other from the publication on: it is bid on, closed and paid as one. What the event adds are planned
//! ends, groups of lots that a late bid keeps open together, and the limit of each bidder.

pub mod model;
pub mod rules;
pub mod store;
