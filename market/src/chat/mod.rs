//! Conversations: two organisations write to each other about a listing, an offer or an order. What they write is encrypted at rest.

pub mod model;
pub mod rules;
pub mod store;
