//! SQL for money.

pub mod ledger;
