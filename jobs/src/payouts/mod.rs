//! Payouts: what sellers have earned goes to their banks.

mod check_payout_account;
pub mod mail;
mod make_payouts;
mod send_payout;
mod sweep_payouts;

pub use check_payout_account::CheckPayoutAccount;
pub use make_payouts::MakePayouts;
pub use send_payout::SendPayout;
pub use sweep_payouts::SweepPayouts;
