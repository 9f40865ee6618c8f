//! Papers that people ask for: picking lists, labels, passes, documents of waste. Invoices are printed when they are issued.

pub mod model;
pub mod rules;
pub mod store;
