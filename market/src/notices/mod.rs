//! Notices: what people are mailed, to be read inside the product.

pub mod model;
pub mod store;
