//! Auctions.

mod close_auction;
mod default_award;
mod expire_approval;
mod expire_second_chance;
mod flag_accounts;
mod notify_leader;
mod notify_outbid;
mod open_auction;
mod remind_bidders;
mod sweep_auctions;
#[cfg(test)]
mod tests;

pub use close_auction::Close;
pub(crate) use close_auction::after;
