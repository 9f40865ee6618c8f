//! Orders, which every way of selling leads to.

pub mod model;
pub mod store;
