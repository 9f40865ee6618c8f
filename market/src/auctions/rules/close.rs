//! The end of an auction, and bids that are taken back before it.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;

use super::{Allocation, Lot, Offer, State, allocate};
use crate::auctions::model::AuctionStatus;

/// How an auction ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The leader gets the whole lot at the price.
    Awarded { winner: Offer, price: i64 },
    /// Each of these bids gets its share at its own price; never empty.
    Allocated(Vec<Allocation>),
    /// No bid, or none that met the reserve.
    Unsold,
    /// The seller was suspended: bidders are bound to nothing.
    Cancelled,
}

/// Why an auction is not closed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptOpen {
    /// The end lies ahead; it may have moved since the timer was set.
    NotYet { ends_at: DateTime<Utc> },
    /// It was closed before.
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
    if !state.seller_approved {
        return Ok(Closing::Cancelled);
    }
    Ok(match state.terms.lot {
        Lot::Whole => match state.standing.leader {
            Some(winner) if state.reserve_met() => Closing::Awarded { winner, price: state.standing.price },
            _ => Closing::Unsold,
        },
        Lot::Divisible { quantity, min_order } => {
            let shares = allocate(quantity, min_order, &state.book);
            if shares.is_empty() { Closing::Unsold } else { Closing::Allocated(shares) }
        }
    })
}

/// Before this much time is left, any own bid may be taken back.
const FREE_UNTIL: TimeDelta = TimeDelta::hours(12);
/// Later, only a bid as young as this.
const SECOND_THOUGHTS: TimeDelta = TimeDelta::hours(1);

/// Why a bid cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetractRefused {
    #[error("only the bidder may take a bid back")]
    NotYours,
    #[error("the auction has ended")]
    Ended,
    #[error("the bid was taken back before")]
    Already,
    #[error("in the last 12 hours only a bid of the last hour can be taken back")]
    TooLate,
}

/// Judges the wish of `org` to take back a bid that `owner` placed at `placed_at`.
pub fn decide_retraction(
    state: &State,
    org: OrgId,
    owner: OrgId,
    placed_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<(), RetractRefused> {
    if org != owner {
        return Err(RetractRefused::NotYours);
    }
    if !state.status.is_open() || at >= state.ends_at {
        return Err(RetractRefused::Ended);
    }
    let early = state.ends_at - at > FREE_UNTIL;
    let young = at - placed_at <= SECOND_THOUGHTS;
    if early || young { Ok(()) } else { Err(RetractRefused::TooLate) }
}
