//! Offers: what follows from each step, and what is not answered expires.

mod expire_offer;
pub mod mail;
mod sweep_offers;

pub use expire_offer::{AcceptError, ExpireOffer, accept, await_answer};
pub use sweep_offers::SweepOffers;
