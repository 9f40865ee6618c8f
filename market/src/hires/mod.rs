//! Hires: the days that orders have of what is for hire.

pub mod rules;
pub mod store;
