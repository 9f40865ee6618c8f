//! Keys with which an organisation's own systems call the API: what each may do, and in whose name.

pub mod model;
pub mod rules;
pub mod store;
