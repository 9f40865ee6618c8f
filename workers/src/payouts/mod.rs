//! Payouts to sellers.

mod begin;
mod check_payout_account;
mod make_payouts;
mod send_payout;
mod sweep_payouts;
#[cfg(test)]
mod tests;

pub(crate) use begin::{follow_account, follow_payout};
