//! SQL for money.

pub mod ledger;
pub mod vat;
