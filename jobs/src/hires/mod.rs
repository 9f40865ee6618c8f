//! Hires: what follows when an order has other days.

mod act;
mod mail;

pub use act::{ActError, hire};
