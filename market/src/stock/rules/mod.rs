//! What is decided about stock, without a database.

pub mod distance;
pub mod low;
pub mod region;
pub mod reserve;
