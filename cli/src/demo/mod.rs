//! `tradeyard demo`: real auctions played through the HTTP API, with time compressed.
#![expect(
    dead_code,
    reason = "the steps that use these parts come with the routes for listings, bids, uploads and reports"
)]

mod bids;
mod client;
mod expected;
mod figures;
mod progress;
mod timeline;
