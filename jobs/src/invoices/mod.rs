//! Invoices and credit notes: printed by a job, after the act that issues them.

pub mod mail;
mod render_invoice;
mod sweep_invoices;

pub use render_invoice::{RenderInvoice, repay};
pub use sweep_invoices::SweepInvoices;
