//! Checkouts: what is not paid in time is sold to others.

mod expire_checkout;
mod sweep_checkouts;

pub use expire_checkout::{ExpireCheckout, PlaceError, place};
pub use sweep_checkouts::SweepCheckouts;
