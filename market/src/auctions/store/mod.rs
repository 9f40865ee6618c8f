//! SQL for auctions. Code that changes an auction first locks its row, then reads the database's
//! clock, then asks the rules.
//!
//! The lock is `FOR NO KEY UPDATE`: it excludes every other bid, purchase, retraction and close, as `FOR UPDATE` would, but
//! lets rows be inserted elsewhere that merely refer to the auction. Nobody waits for a second auction in the same transaction: several
//! bids that share one, and several closings, leave out what others hold.
//!
//! How to get this wrong:
//! - Read the clock in the select list of the locking statement: it is then read before the wait for the lock.
//! - Read bids in the locking statement: it sees them as they were before the wait. Read them in the next one.
//! - Tell the world before the commit.

mod approval;
mod bid;
mod buy_now;
mod chances;
mod close;
mod create;
mod default;
mod flags;
mod limits;
mod list;
mod lock;
mod notice;
mod read;
mod retract;
mod second_chance;
mod settle;
mod suspend;
mod view;

use shared::invalid::{Invalid, violated};
use shared::money::Currency;

use crate::auctions::model::ChanceStatus;
use crate::checkout::store::CheckoutError;
use crate::orders::store::OrderError;
use crate::stock::store::StockError;

use super::rules::{NoChance, NotAnswered, Refused, RetractRefused};

pub use approval::{Answered, Silence, answer, approval, expire as expire_approval, overdue as overdue_approvals};
pub use bid::{PlaceBid, Tried, place_bid, place_bids};
pub use buy_now::buy_now;
pub use chances::{chances, overdue as overdue_chances};
pub use close::{cancel, close, close_all, due_to_open, open, overdue};
pub use create::create;
pub use default::{DefaultOutcome, Defaulted, default, renounce, unpaid};
pub use flags::{FlagFilter, flag, flags};
pub use list::{OpenFilter, Place, open_auctions};
pub use notice::{hold, lock_notices, note_notified};
pub use read::{bid_in, bidders, bids, ending_soon, leader, of_listing, versions, view, views, views_of};
pub use retract::retract;
pub use second_chance::{Decided, Lapsed, Offered, accept, decline, expire as expire_chance, offer as offer_chance};
pub(crate) use suspend::{lock_open, set_suspended};

/// Why an act on an auction is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuctionError {
    #[error("there is no such auction")]
    NotFound,
    /// Amounts in the refusal are in minor units of the currency.
    #[error("{refusal}")]
    Refused { refusal: Refused, currency: Currency },
    #[error(transparent)]
    RetractRefused(#[from] RetractRefused),
    #[error("the listing must be published and sold by auction")]
    NotForAuction,
    #[error("the listing has an open auction")]
    AlreadyOpen,
    #[error("the auction is over, or has bids")]
    NotCancellable,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A sale on approval takes no such answer now.
    #[error(transparent)]
    NotAnswered(#[from] NotAnswered),
    #[error("there is no such second chance")]
    NoChance,
    #[error("the second chance is over: {0:?}")]
    ChanceEnded(ChanceStatus),
    /// Nobody can be offered the lot.
    #[error("{0}")]
    NoNextBidder(&'static str),
    #[error(transparent)]
    BelowReserve(#[from] NoChance),
    #[error("the checkout could not be ended")]
    Checkout(#[from] CheckoutError),
    #[error("the order could not be made")]
    Order(#[from] OrderError),
    /// Its lot cannot be reserved, or not be passed on.
    #[error(transparent)]
    Stock(#[from] StockError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl AuctionError {
    /// The error when the database refuses to write a bid or an award, because it counts them, or
    /// because somebody has joined the seller since the auction was locked.
    fn of_write(error: sqlx::Error, currency: Currency) -> Self {
        let refusal = match violated(&error) {
            Some("bids_per_org") => Refused::TooManyBids,
            Some("bids_not_by_sellers_people" | "awards_not_to_sellers_people") => Refused::SellersPeople,
            _ => return Self::Database(error),
        };
        Self::Refused { refusal, currency }
    }
}

#[cfg(test)]
mod tests;
