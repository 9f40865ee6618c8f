//! Taking bids back before the end.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;

use super::{BookBid, Lot, Offer, Rank, Secret, Standing, State, divisible, replay};

/// While more than this is left, bidders may take back any of their bids.
const FREE_UNTIL: TimeDelta = TimeDelta::hours(12);
/// After that, only a bid no older than this.
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

/// Judges a request by `org` to take back a bid that `owner` placed at `placed_at`.
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

/// A standing bid, as far as a retraction depends on it.
#[derive(Clone, Copy, Debug)]
pub struct StandingBid {
    pub seq: i64,
    pub org: OrgId,
    /// The leader's higher maximum, which is shown to nobody else.
    pub raise: bool,
    pub maximum: Secret,
    pub quantity: i64,
}

impl StandingBid {
    fn offer(&self) -> Offer {
        Offer { org: self.org, rank: Rank { amount: self.maximum, seq: self.seq } }
    }

    fn in_book(&self) -> BookBid {
        BookBid { seq: self.seq, org: self.org, price: self.maximum.reveal(), quantity: self.quantity }
    }
}

/// What a retraction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    pub standing: Standing,
    pub next_minimum: i64,
    /// How many fewer bids everybody sees.
    pub shown: i64,
    /// False when only a hidden raise went and nothing visible changed.
    pub public_change: bool,
}

/// The numbers of the bids that go when the one numbered `seq` does: itself, and the raises built
/// on it, which would otherwise go on bidding for somebody who has left. `own` holds the standing
/// bids of its organisation, from that one on, in the order in which they were placed.
pub fn taken_along(own: &[StandingBid], seq: i64) -> Result<Vec<i64>, RetractRefused> {
    let mut from_it = own.iter().skip_while(|bid| bid.seq != seq);
    let bid = from_it.next().ok_or(RetractRefused::Already)?;
    let mut gone = vec![seq];
    // A raise is taken back alone: the others remain.
    if !bid.raise {
        gone.extend(from_it.take_while(|later| later.raise).map(|later| later.seq));
    }
    Ok(gone)
}

/// What comes of taking back a bid or a raise. `remaining` holds the bids that then stand, in the
/// order in which they were placed. Those that decide nothing may be missing: for a whole lot,
/// whatever would not raise the price above the highest maximum of any organisation but the
/// leader's; for a divisible one, whatever cannot be served.
#[must_use]
pub fn take_back(state: &State, raise: bool, remaining: &[StandingBid]) -> Retraction {
    let mut after = state.clone();
    match state.terms.lot {
        Lot::Whole => after.standing = replay(&state.terms, remaining.iter().map(StandingBid::offer)),
        Lot::Divisible { .. } => {
            after.book = remaining.iter().map(StandingBid::in_book).collect();
            after.standing = divisible::standing(&state.terms, &after.book);
        }
    }
    let leads = |standing: Standing| standing.leader.map(|leader| leader.org);
    let public_change =
        !raise || after.standing.price != state.standing.price || leads(after.standing) != leads(state.standing);
    let (standing, next_minimum) = (after.standing, after.next_minimum());
    Retraction { standing, next_minimum, shown: i64::from(!raise), public_change }
}
