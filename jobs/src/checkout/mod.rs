//! Checkouts: what is not paid in time is sold to others.

mod act;
mod expire_checkout;
pub mod mail;
mod notify_parties;
mod sweep_checkouts;

pub use act::{ActError, after, cancel, place, place_basket, write_off};
pub use expire_checkout::ExpireCheckout;
pub use notify_parties::{News, NotifyParties, reminder};
pub use sweep_checkouts::SweepCheckouts;
