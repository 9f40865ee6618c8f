//! Rows of the mission, played as people would: through HTTP, WebSocket and mail, against the whole product.

mod appointments;
mod approvals;
mod cargo_events;
mod carriers;
mod chat;
mod dashboard;
mod defaults;
mod drafts;
mod epcis;
mod escrow;
mod flood;
mod imports;
mod live_auctions;
mod mails;
mod offers;
mod orders;
mod papers;
mod payouts;
mod reports;
mod returns;
mod search;
mod shipments;
mod stations;
mod subscriptions;
mod tracking;
mod watches;
