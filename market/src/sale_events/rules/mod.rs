//! The rules of sale events as pure decisions: when lots end, what may change, and what a bidder's limit leaves.

mod limits;
#[cfg(test)]
mod tests;
mod timetable;

pub use limits::{Account, Held, Limits, NotReserved};
pub use timetable::{
    NotDone, Planned, Stored, Timetable, decide_bidder, decide_draft, decide_registration, judge_first_end, shown,
};
