//! Checkouts that nobody pays.

mod expire_checkout;
