//! Payments: what the market and a payment gateway say to each other.

pub mod rules;
