//! Reports: what was asked for, over which days, and what became of it.

pub mod model;
pub mod rules;
pub mod store;
