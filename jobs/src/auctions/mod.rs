//! Auctions open, end, and remind people by themselves.

mod close_auction;
pub mod events;
pub mod mail;
mod open_auction;
mod remind_bidders;
mod sweep_auctions;

pub use close_auction::CloseAuction;
pub use open_auction::OpenAuction;
pub use remind_bidders::{RemindBidders, Reminder};
pub use sweep_auctions::SweepAuctions;
