//! Checkouts that nobody pays.

mod expire_checkout;
mod sweep_checkouts;
#[cfg(test)]
mod tests;
