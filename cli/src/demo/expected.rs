//! What a correct system makes of the recorded bids: applies the rules to them, without the rest of
//! the system.

use chrono::{DateTime, TimeDelta};
use market::auctions::model::AuctionStatus;
use market::auctions::rules::{
    Bid, Bidder, Closing, IncrementTable, Lot, Secret, Standing, State, Terms, decide_bid, decide_close,
};
use market::standing::rules::Limit;
use shared::ids::OrgId;
use shared::money::Money;
use uuid::Uuid;

use super::bids::{CURRENCY, Recorded};

/// How one auction must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// How often somebody loses the lead, and gets a mail about it.
    pub(crate) outbid: u64,
    /// `None` if unsold.
    pub(crate) price: Option<Money>,
}

/// Applies the rules of the auction to its bids, without soft close.
pub(crate) fn ending(auction: &Recorded) -> anyhow::Result<Ending> {
    let starts_at = DateTime::UNIX_EPOCH;
    // Some recorded bids come a moment after the stated duration; in the demo, all are in time.
    let last = auction.bids.last().map_or(TimeDelta::zero(), |bid| bid.placed);
    let ends_at = starts_at + auction.duration.max(last) + TimeDelta::seconds(1);
    let opening = auction.opening.minor();
    let mut state = State {
        terms: Terms {
            seller: OrgId(Uuid::nil()),
            opening,
            reserve: None,
            buy_now: None,
            increments: IncrementTable::default_for(CURRENCY),
            brokers_excluded: false,
            starts_at,
            hard_end: ends_at,
            soft_close: TimeDelta::zero(),
            lot: Lot::Whole,
        },
        seller_approved: true,
        listing_suspended: false,
        status: AuctionStatus::Live,
        ends_at,
        seq: 0,
        standing: Standing { price: opening, leader: None },
        book: Vec::new(),
    };
    let mut bidders: Vec<&str> = Vec::new();
    let (mut accepted, mut refused, mut outbid) = (0, 0, 0);
    for bid in &auction.bids {
        let place = bidders.iter().position(|name| *name == bid.bidder).unwrap_or_else(|| {
            bidders.push(&bid.bidder);
            bidders.len() - 1
        });
        let org = OrgId(Uuid::from_u128(place as u128 + 1));
        let bid = Bid {
            bidder: Bidder { org, of_seller: false, approved: true, broker: false, limit: Limit::None },
            maximum: Secret::new(bid.maximum.minor()),
            quantity: None,
            at: starts_at + bid.placed,
        };
        if let Ok(taken) = decide_bid(&state, &bid) {
            accepted += 1;
            outbid += taken.outbid.len() as u64;
            state.seq = taken.seq;
            state.standing = taken.standing;
        } else {
            refused += 1;
        }
    }
    let price = match decide_close(&state, ends_at) {
        Ok(Closing::Awarded { price, .. }) => Some(Money::from_minor(price, CURRENCY)),
        Ok(Closing::Unsold) => None,
        other => anyhow::bail!("{}: the rules end a whole lot with {other:?}", auction.name),
    };
    Ok(Ending { accepted, refused, outbid, price })
}

#[cfg(test)]
mod tests;
