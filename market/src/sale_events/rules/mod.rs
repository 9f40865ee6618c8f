//! The rules of sale events as pure decisions: when lots end, what may change, and what a bidder's limit leaves.

mod course;
mod limits;
#[cfg(test)]
mod tests;

pub use course::{Course, NotDone, Planned, Stored, decide_bidder, decide_draft, decide_registration, shown};
pub use limits::{Account, Held, Limits, NotReserved};
