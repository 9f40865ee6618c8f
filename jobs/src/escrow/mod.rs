//! Payments and escrow: providers are asked by jobs, and time passes by jobs.

mod apply_webhook;
mod charge;
pub mod mail;
mod notify_order;
mod release_escrow;
mod send_refund;
mod sweep_payments;

pub use apply_webhook::ApplyWebhook;
pub use charge::Charge;
pub use notify_order::{NotifyOrder, notify, notify_with};
pub use release_escrow::ReleaseEscrow;
pub use send_refund::SendRefund;
pub use sweep_payments::SweepPayments;
