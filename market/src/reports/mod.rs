//! Reports: what was asked for, over which days, and what became of it. What a report consists of, its definition says.

pub mod definitions;
pub mod model;
pub mod rules;
pub mod store;
pub mod table;
