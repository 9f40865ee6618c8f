//! What auctions do by themselves: open, end, and notify people.

mod close_auction;
pub mod events;
mod flag_accounts;
pub mod mail;
mod notify_outbid;
mod open_auction;
mod remind_bidders;
mod sweep_auctions;

pub use close_auction::CloseAuction;
pub use flag_accounts::FlagAccounts;
pub use notify_outbid::{LateBid, NotifyOutbid};
pub use open_auction::OpenAuction;
pub use remind_bidders::{RemindBidders, Reminder};
pub use sweep_auctions::SweepAuctions;
