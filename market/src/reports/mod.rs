//! Reports: what is asked for, over which days, and what came of it.

pub mod model;
pub mod rules;
pub mod store;
