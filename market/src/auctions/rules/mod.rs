//! The rules of the auction as pure decisions: a state and a request go in, what happens comes out.
//! Amounts are whole minor units of the auction's currency; times are the database's, read after
//! the auction's row was locked.
//!
//! How to get this wrong:
//! - Compare bids by anything other than [`Rank`]: the live view and the close would then break a
//!   tie differently.
//! - Judge by a time read before the lock: a bid that waited would be accepted after the end.
//! - Use the original end: an accepted bid may have moved it ([`State::ends_at`] is the only end there is).
//! - Print or serialise a [`Secret`]; it refuses both.

mod approval;
mod cancel;
mod close;
mod divisible;
mod increments;
mod notice;
mod open;
mod proxy;
mod retraction;
mod second_chance;
mod terms;
#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::money::MAX_TRADED_MINOR;

use crate::auctions::model::AuctionStatus;
use crate::standing::rules::Limit;

pub use approval::{APPROVAL, NotAnswered, Pending, decide_answer};
pub use cancel::{NotCancelled, decide_cancel};
pub use close::{Closing, KeptOpen, decide_close};
pub(in crate::auctions) use divisible::most_served;
pub use divisible::{Allocation, BookBid, allocate};
pub use increments::{BadIncrements, IncrementTable};
pub use notice::{Notice, decide_notice, is_last_hour};
pub use open::{NotOpened, decide_open};
pub use proxy::{apply, replay};
pub use retraction::{RetractRefused, Retraction, StandingBid, decide_retraction, take_back, taken_along};
pub use second_chance::{Chance, NextBid, NoChance, SECOND_CHANCE, decide_second_chance};
pub use terms::{SOFT_CLOSE_SECONDS, check_terms, hard_end};

/// An amount in minor units that nobody may see: a bid's maximum, or a reserve. Only the rules and
/// the store can read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(i64);

impl Secret {
    #[must_use]
    pub const fn new(minor: i64) -> Self {
        Self(minor)
    }

    pub(in crate::auctions) const fn reveal(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Where a bid stands among others: the greater one is served first. The higher amount wins, then the earlier bid.
/// This is the only comparison of bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    pub amount: Secret,
    pub seq: i64,
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.amount.cmp(&other.amount).then(other.seq.cmp(&self.seq))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What an auction promised when it was made; none of it changes while bids come in.
#[derive(Clone, Debug)]
pub struct Terms {
    pub seller: OrgId,
    /// The first bid must reach this; per unit when the lot is divisible.
    pub opening: i64,
    /// Whole lots only.
    pub reserve: Option<Secret>,
    /// Whole lots only.
    pub buy_now: Option<i64>,
    pub increments: IncrementTable,
    pub brokers_excluded: bool,
    pub starts_at: DateTime<Utc>,
    /// No bid moves the end past this.
    pub hard_end: DateTime<Utc>,
    /// A bid leaves at least this much time to answer it; zero turns the soft close off.
    pub soft_close: TimeDelta,
    pub lot: Lot,
}

/// How the lot is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    /// To one bidder, by proxy bids for the whole.
    Whole,
    /// To several, each paying their own bid per unit; nobody gets less than `min_order`.
    Divisible { quantity: i64, min_order: i64 },
}

/// An auction at one moment, as its locked row has it.
#[derive(Clone, Debug)]
pub struct State {
    pub terms: Terms,
    /// The seller may trade. One that has been suspended in the meantime sells nothing: no bid is
    /// taken, and at the end nobody wins.
    pub seller_approved: bool,
    /// A moderator has suspended the listing. Until it is reinstated no bid is taken; at the end nobody wins.
    pub listing_suspended: bool,
    pub status: AuctionStatus,
    /// The end as it stands now, moved or not.
    pub ends_at: DateTime<Utc>,
    /// The number of the latest bid; 0 before the first.
    pub seq: i64,
    pub standing: Standing,
    /// The bids that stand, for a divisible lot; empty for a whole one. Those that get nothing may be missing.
    pub book: Vec<BookBid>,
}

/// Price and leader of a lot. A divisible lot has a price to beat but no single leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub price: i64,
    pub leader: Option<Offer>,
}

/// A bid on a whole lot, as far as price and leadership depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub org: OrgId,
    pub rank: Rank,
}

/// Who bids or buys.
#[derive(Clone, Copy, Debug)]
pub struct Bidder {
    pub org: OrgId,
    /// The person who acts belongs to the selling organisation as well.
    pub of_seller: bool,
    /// The organisation is approved and not suspended.
    pub approved: bool,
    /// The organisation trades for others.
    pub broker: bool,
    /// What its strikes leave it.
    pub limit: Limit,
}

/// A bid to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Bid {
    pub bidder: Bidder,
    /// The secret maximum for a whole lot; the price per unit for a divisible one.
    pub maximum: Secret,
    /// How many units; absent on whole lots.
    pub quantity: Option<i64>,
    /// The database's time after the lock.
    pub at: DateTime<Utc>,
}

/// What an accepted bid did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub seq: i64,
    pub effect: Effect,
    /// What everybody sees of the bid.
    pub visible: i64,
    pub standing: Standing,
    pub ends_at: DateTime<Utc>,
    /// Who lost the lead, or a share, to the bid; each organisation once, the bidder's own never.
    pub outbid: Vec<OrgId>,
    /// False for a raise that nobody may hear of.
    pub public_change: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The bidder leads now (or, in a divisible lot, would get something).
    Leads,
    /// Somebody's maximum, or earlier equal bid, was better.
    Outbid,
    /// The leader raised their own maximum; nobody else learns of it.
    Raised,
}

/// The most bids and raises that an organisation can place in an auction. The database counts them.
pub const MOST_BIDS: u32 = 1_000;

/// Why a bid or a purchase is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("an organisation cannot bid on its own lot")]
    OwnLot,
    #[error("people of the selling organisation cannot bid on its lots, for whatever organisation")]
    SellersPeople,
    #[error("only approved organisations may bid")]
    NotApproved,
    #[error("brokers are excluded from this auction")]
    BrokersExcluded,
    #[error("too many won lots were not paid: no bids until {until}")]
    Barred { until: DateTime<Utc> },
    #[error("lots that were won and not paid leave bids in at most {most} open auctions at once")]
    TooManyAuctions { most: i64 },
    #[error("the seller is suspended")]
    SellerSuspended,
    #[error("the listing is suspended")]
    ListingSuspended,
    #[error("an organisation places at most {MOST_BIDS} bids and raises in an auction")]
    TooManyBids,
    #[error("the auction has not started")]
    NotStarted,
    #[error("the auction has ended")]
    Ended,
    #[error("the bid is below the minimum")]
    BelowMinimum { minimum: i64 },
    #[error("the leader's new maximum must be above the old one")]
    NotARaise,
    #[error("the amount or quantity is too large")]
    TooLarge,
    #[error("the whole lot is sold at once: a bid names no quantity")]
    QuantityOnWholeLot,
    #[error("the quantity must lie between the minimum order and the size of the lot")]
    Quantity { min: i64, max: i64 },
    #[error("the lot can no longer be bought at once")]
    BuyNowGone,
    #[error("the organisation is not approved as a bidder of this sale event")]
    NotRegistered,
    #[error("the limit of this sale event leaves less")]
    LimitExceeded { left: i64 },
}

impl State {
    /// The least amount that the next bidder (other than the leader) must offer.
    #[must_use]
    pub fn next_minimum(&self) -> i64 {
        match self.terms.lot {
            Lot::Whole if self.standing.leader.is_none() => self.terms.opening,
            Lot::Whole => self.terms.increments.next(self.standing.price),
            Lot::Divisible { .. } => divisible::next_minimum(&self.terms, &self.book),
        }
    }

    /// Whether a sale at the present price meets the reserve.
    #[must_use]
    pub fn reserve_met(&self) -> bool {
        reserve_met(self.terms.reserve, self.standing)
    }

    /// The price at which the lot can be bought at once, while it can be.
    #[must_use]
    pub fn buy_now(&self) -> Option<i64> {
        buy_now(self.terms.buy_now, self.terms.reserve, self.standing, self.status)
    }

    /// The auction after `bid` was accepted.
    #[must_use]
    pub fn after(&self, accepted: &Accepted, bid: &Bid) -> Self {
        let mut after = self.clone();
        after.seq = accepted.seq;
        after.standing = accepted.standing;
        after.ends_at = accepted.ends_at;
        if let Some(quantity) = bid.quantity {
            let price = bid.maximum.reveal();
            after.book.push(BookBid { seq: accepted.seq, org: bid.bidder.org, price, quantity });
        }
        after
    }
}

/// Whether a sale at the standing price meets the reserve.
pub(in crate::auctions) fn reserve_met(reserve: Option<Secret>, standing: Standing) -> bool {
    reserve.is_none_or(|reserve| standing.leader.is_some() && standing.price >= reserve.reveal())
}

/// The buy-now price stands until the first bid or, when there is a reserve, until that is met.
/// Once every bid has been taken back it stands again: there is nobody left whose bid a purchase
/// would pass over, and the lot is offered as it was at first.
pub(in crate::auctions) fn buy_now(
    price: Option<i64>,
    reserve: Option<Secret>,
    standing: Standing,
    status: AuctionStatus,
) -> Option<i64> {
    let gone = standing.leader.is_some() && (reserve.is_none() || reserve_met(reserve, standing));
    price.filter(|_| !gone && status.is_open())
}

/// Judges a bid against the auction as it stands.
pub fn decide_bid(state: &State, bid: &Bid) -> Result<Accepted, Refused> {
    admit(state, bid.bidder, bid.at)?;
    if bid.maximum.reveal() > MAX_TRADED_MINOR {
        return Err(Refused::TooLarge);
    }
    let accepted = match state.terms.lot {
        Lot::Whole => proxy::decide(state, bid)?,
        Lot::Divisible { .. } => divisible::decide(state, bid)?,
    };
    Ok(Accepted {
        ends_at: match accepted.effect {
            Effect::Raised => state.ends_at,
            Effect::Leads | Effect::Outbid => moved_end(state, bid.at),
        },
        // A raise moves the price as well, if it meets the reserve.
        public_change: accepted.effect != Effect::Raised || accepted.standing.price != state.standing.price,
        ..accepted
    })
}

/// Judges a purchase at the buy-now price, and returns that price.
pub fn decide_buy_now(state: &State, buyer: Bidder, at: DateTime<Utc>) -> Result<i64, Refused> {
    admit(state, buyer, at)?;
    state.buy_now().ok_or(Refused::BuyNowGone)
}

/// Checks who may act, and when: from the start on, before the end.
fn admit(state: &State, bidder: Bidder, at: DateTime<Utc>) -> Result<(), Refused> {
    if bidder.org == state.terms.seller {
        return Err(Refused::OwnLot);
    }
    if bidder.of_seller {
        return Err(Refused::SellersPeople);
    }
    if !bidder.approved {
        return Err(Refused::NotApproved);
    }
    if bidder.broker && state.terms.brokers_excluded {
        return Err(Refused::BrokersExcluded);
    }
    if let Limit::Barred { until } = bidder.limit {
        return Err(Refused::Barred { until });
    }
    // A scheduled auction whose start has passed takes bids: the job that opens it may be a moment late.
    if !state.status.is_open() || at >= state.ends_at {
        return Err(Refused::Ended);
    }
    if at < state.terms.starts_at {
        return Err(Refused::NotStarted);
    }
    if !state.seller_approved {
        return Err(Refused::SellerSuspended);
    }
    if state.listing_suspended {
        return Err(Refused::ListingSuspended);
    }
    Ok(())
}

/// The soft close: an accepted bid leaves `soft_close` to answer it, but never past the hard end, and never less than before.
fn moved_end(state: &State, at: DateTime<Utc>) -> DateTime<Utc> {
    let answered_by = at + state.terms.soft_close;
    answered_by.min(state.terms.hard_end).max(state.ends_at)
}
