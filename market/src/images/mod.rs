//! Photographs of listings: what they are made of, where their rows are, and why one is refused. The pixels themselves are the
//! worker's business.

pub mod model;
pub mod store;
