//! The end of an auction.

use chrono::{DateTime, Utc};

use super::{Allocation, Lot, Offer, State, allocate};
use crate::auctions::model::AuctionStatus;

/// How an auction ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The leader gets the whole lot at the price.
    Awarded { winner: Offer, price: i64 },
    /// Each of these bids gets its share at its own price; never empty.
    Allocated(Vec<Allocation>),
    /// The highest bid is below the reserve: the seller decides about it.
    OnApproval { bidder: Offer, price: i64 },
    /// No bid.
    Unsold,
    /// The seller or the listing is suspended: bidders are bound to nothing.
    Cancelled,
}

/// Why an auction is not closed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptOpen {
    /// The end lies ahead; it may have moved since the timer was set.
    NotYet { ends_at: DateTime<Utc> },
    /// It is already closed.
    Already(AuctionStatus),
}

/// Decides who gets the lot, once its end has passed.
pub fn decide_close(state: &State, at: DateTime<Utc>) -> Result<Closing, KeptOpen> {
    if !state.status.is_open() {
        return Err(KeptOpen::Already(state.status));
    }
    if at < state.ends_at {
        return Err(KeptOpen::NotYet { ends_at: state.ends_at });
    }
    if !state.seller_approved || state.listing_suspended {
        return Ok(Closing::Cancelled);
    }
    Ok(match state.terms.lot {
        Lot::Whole => match state.standing.leader {
            Some(winner) if state.reserve_met() => Closing::Awarded { winner, price: state.standing.price },
            Some(bidder) => Closing::OnApproval { bidder, price: state.standing.price },
            None => Closing::Unsold,
        },
        Lot::Divisible { quantity, min_order } => {
            let shares = allocate(quantity, min_order, &state.book);
            if shares.is_empty() { Closing::Unsold } else { Closing::Allocated(shares) }
        }
    })
}
