//! SQL for money.

pub mod ledger;
pub mod rates;
pub mod revisions;
pub mod statement;
pub mod tariffs;
pub mod vat;
