//! Auctions open, end, and remind people by themselves.

mod announce;
mod close_auction;
mod open_auction;
mod remind_bidders;
mod sweep_auctions;
mod tell;

pub use announce::{News, announce, event};
pub use close_auction::CloseAuction;
pub use open_auction::OpenAuction;
pub use remind_bidders::{RemindBidders, Reminder};
pub use sweep_auctions::SweepAuctions;
pub use tell::{TellError, tell_award, tell_outbid, tell_unsold, title, traders};
