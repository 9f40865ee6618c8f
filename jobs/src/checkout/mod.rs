//! Checkouts: what is not paid in time is sold to others.

mod expire_checkout;

pub use expire_checkout::{ExpireCheckout, PlaceError, place};
