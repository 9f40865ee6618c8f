//! Invoices and credit notes: printed by a job, after the act that issues them; and exports, which are taxed when nobody proves them.

mod act;
pub mod mail;
mod remind_exports;
mod render_invoice;
mod sweep_invoices;
mod tax_exports;

pub use act::{ActError, hand_in, remind, tax};
pub use remind_exports::RemindExports;
pub use render_invoice::{RenderInvoice, repay};
pub use sweep_invoices::SweepInvoices;
pub use tax_exports::TaxExports;
