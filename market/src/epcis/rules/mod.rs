//! What an event must be, what names it, and what it says.

mod check;
pub(super) mod document;
pub(super) mod epc;
mod hash;
pub(super) mod judge;
pub(super) mod query;
mod shipment;
pub mod shipments;
mod uri;
mod vocabulary;

#[cfg(test)]
mod tests;
