//! The market: one folder for each domain, with its types (`model`), its decisions (`rules`) and
//! its SQL (`store`). It knows nothing of jobs.

pub mod auctions;
pub mod cargo;
pub mod catalog;
pub mod emails;
pub mod identity;
pub mod ids;
pub mod images;
pub mod listings;
pub mod orders;
pub mod payments;
pub mod reports;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
