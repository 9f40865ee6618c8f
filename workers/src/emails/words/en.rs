//! English.

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

pub(in crate::emails) use account::Account;
pub(in crate::emails) use appointments::Appointments;
pub(in crate::emails) use auctions::Auctions;
pub(in crate::emails) use chat::Chat;
pub(in crate::emails) use common::Common;
pub(in crate::emails) use documents::Documents;
pub(in crate::emails) use files::Files;
pub(in crate::emails) use invoices::Invoices;
pub(in crate::emails) use listings::Listings;
pub(in crate::emails) use offers::Offers;
pub(in crate::emails) use orders::Orders;
pub(in crate::emails) use plans::Plans;
pub(in crate::emails) use returns::Returns;
pub(in crate::emails) use reviews::Reviews;
pub(in crate::emails) use shipments::Shipments;
pub(in crate::emails) use webhooks::Webhooks;

pub(in crate::emails) struct English;
