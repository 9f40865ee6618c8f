//! Checkouts that nobody pays.

mod expire_checkout;
mod notify_parties;
mod sweep_checkouts;
#[cfg(test)]
mod tests;
