//! Invoices and credit notes: printed by a job, after the act that issues them.

pub mod mail;
mod render_invoice;

pub use render_invoice::{RenderInvoice, repay};
