//! The pools of workers: a handler for every job, and the programs that run them.

mod appointments;
pub mod auctions;
pub mod cargo;
pub mod chat;
pub mod checkout;
mod documents;
pub mod emails;
mod escrow;
pub mod exports;
mod http;
mod identity;
pub mod images;
mod imports;
mod invoices;
pub mod maintenance;
pub mod money;
mod notices;
pub mod offers;
pub mod papers;
pub mod payments;
mod payouts;
mod plans;
pub mod pools;
mod reconciliation;
pub mod reports;
mod returns;
mod reviews;
pub mod runtime;
pub mod search;
pub mod services;
mod shipments;
mod sweep;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod turn;
mod upload;
mod wanted;
pub mod watches;
mod webhooks;

pub use services::Services;

/// What a handler sees: its attempt, and the pool's [`Services`] behind `Deref`.
pub type Cx = queue::Cx<Services>;
