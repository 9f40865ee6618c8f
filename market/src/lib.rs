//! The market: one folder for each domain, with its types (`model`), its decisions (`rules`) and
//! its SQL (`store`). It knows nothing of jobs.
//!
//! # The order of locks
//! Every act takes its locks in this order, and may leave out any of them:
//! 1. auction; if it is a lot of a sale event, then its group, then the bidders of the event by event and organisation
//! 2. offer
//! 3. checkout, which guards its payments
//! 4. orders, by id; each guards its escrow, its disputes, its returns, its reviews and its appointments
//! 5. shipments, by id; each guards its lines
//! 6. a vehicle, which guards what is on it and when it is in maintenance
//! 7. listings, by id
//! 8. stock levels, by item and site
//! 9. sites, by id, and then their hours
//! 10. reservations, of holders that are locked
//! 11. refunds
//! 12. an organisation, which guards its payout accounts and payouts
//! 13. series of invoices, by the seller's id
//! 14. money accounts, by id
//! 15. ratings, by the organisation's id
//! 16. the audit log
//! 17. what the search is made of, when the transaction ends (`migrations/0501_search_kept.sql`)
//!
//! Saved searches and watches are locked before any of these, and nothing above the listings with them. A webhook endpoint is locked
//! before its deliveries, and nothing else with them.
//!
//! A document of an organisation is locked before its upload, and that before the organisation; nothing above the organisation with
//! them.
//!
//! A conversation is locked before its parties, by id, and those before uploads; nothing of the list with them but the audit log.
//!
//! A sale event is locked before its listings, when it is published, before its auctions, when it is cancelled, and before a bidder, when
//! one registers or is decided about. Nothing that holds a bidder of an event waits for an auction.
//!
//! Whoever removes the file that an attempt has left of a report, an export or a paper locks that, and nothing with it.
//!
//! The days of what is for hire are taken by date, and others given up after them, when nothing else is to be locked but the audit log;
//! those of an order that comes to nothing are freed when the transaction ends.
//!
//! A change of an item locks it before the auctions of its listings. Publishing locks the draft, then the seller's organisation if its
//! plan has a limit of listings, and then the item; a draft has no auction.
//!
//! Locks on rows are `FOR NO KEY UPDATE`, and the clock is read after them. Code that starts from a lower lock reads the id of
//! what is above it without a lock, locks from the top, and looks again.

pub mod appointments;
pub mod auctions;
pub mod cargo;
pub mod carriers;
pub mod catalog;
pub mod chat;
pub mod checkout;
pub mod dashboard;
pub mod documents;
pub mod emails;
pub mod epcis;
pub mod escrow;
pub mod exports;
pub mod hires;
pub mod identity;
pub mod ids;
pub mod images;
pub mod imports;
pub mod invoices;
pub mod keys;
pub mod leftovers;
pub mod listings;
pub mod money;
pub mod notices;
pub mod offers;
pub mod orders;
pub mod papers;
pub mod payments;
pub mod payouts;
pub mod plans;
pub mod reconciliation;
pub mod reports;
pub mod returns;
pub mod reviews;
pub mod sale_events;
pub mod sealing;
pub mod search;
pub mod shipments;
pub mod standing;
pub mod stock;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod watches;
pub mod webhooks;
