//! The product's jobs: for each domain, its contracts, the mails that an act sends (`mail`) and
//! what subscribers are sent (`events`).

pub mod appointments;
pub mod auctions;
pub mod cargo;
pub mod catalogue;
pub mod chat;
pub mod checkout;
pub mod dashboard;
pub mod documents;
pub mod emails;
pub mod escrow;
pub mod exports;
pub mod hires;
pub mod identity;
pub mod images;
pub mod imports;
pub mod invoices;
pub mod listings;
pub mod maintenance;
pub mod money;
pub mod notices;
pub mod offers;
pub mod papers;
pub mod payouts;
pub mod plans;
pub mod queues;
pub mod reconciliation;
pub mod reports;
pub mod returns;
pub mod reviews;
pub mod sale_events;
pub mod search;
pub mod shipments;
pub mod stock;
pub mod watches;
pub mod webhooks;

pub use catalogue::registry;
