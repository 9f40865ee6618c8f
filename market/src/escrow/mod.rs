//! Escrow: what a buyer pays is held for each seller until the goods are accepted, and given back where they are not.
//! What is said to payment providers is in [`payments`](crate::payments).

pub mod model;
pub mod rules;
pub mod store;
