//! When terms begin and end, what a change of plan costs, and when somebody who does not pay is reminded.

pub mod change;
pub mod dunning;
pub mod terms;
