//! What a sale costs and how its money is shared out. Nothing here reads a clock or a database.

pub mod fx;
pub mod premium;
pub mod quote;
pub mod refund;
pub mod transfer;
pub mod vat;
