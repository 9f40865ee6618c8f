//! Auctions.

mod close_auction;
mod mails;
mod open_auction;
mod remind_bidders;
mod sweep_auctions;
