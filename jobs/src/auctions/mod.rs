//! What auctions do by themselves: open, end, and notify people.

mod approval;
mod award;
mod close_auction;
mod closed;
mod default_award;
pub mod events;
mod expire_approval;
mod expire_second_chance;
mod flag_accounts;
pub mod mail;
mod notify_leader;
mod notify_outbid;
mod open_auction;
mod remind_bidders;
mod sweep_auctions;

pub use approval::{answered, unanswered};
pub use award::{defaulted, lapsed, offered};
pub use close_auction::CloseAuction;
pub use closed::{awarded, closed};
pub use default_award::DefaultAward;
pub use expire_approval::ExpireApproval;
pub use expire_second_chance::ExpireSecondChance;
pub use flag_accounts::FlagAccounts;
pub use notify_leader::NotifyLeader;
pub use notify_outbid::{LateBid, NotifyOutbid};
pub use open_auction::OpenAuction;
pub use remind_bidders::{RemindBidders, Reminder};
pub use sweep_auctions::SweepAuctions;
