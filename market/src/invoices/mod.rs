//! Invoices and credit notes: issued once, in the act that makes them due, and never edited.

pub mod model;
pub mod rules;
pub mod store;
