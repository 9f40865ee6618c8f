//! German, in the polite form.

mod account;
mod appointments;
mod auctions;
mod chat;
mod common;
mod documents;
mod files;
mod invoices;
mod listings;
mod offers;
mod orders;
mod plans;
mod returns;
mod reviews;
mod shipments;
mod webhooks;

pub(in crate::emails) struct German;
