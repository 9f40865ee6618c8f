//! Payments and escrow.

mod apply_webhook;
pub(crate) mod asked;
mod charge;
mod notify_order;
mod release_escrow;
mod send_refund;
mod sweep_payments;
#[cfg(test)]
mod tests;
