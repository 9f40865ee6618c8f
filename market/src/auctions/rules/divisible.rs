//! Divisible lots: everybody pays their own bid per unit; the best price is served first, then the
//! earlier bid.

use shared::ids::OrgId;
use shared::money::MAX_TRADED_MINOR;

use super::{Accepted, Bid, Effect, Lot, Rank, Refused, Secret, Standing, State, Terms};

/// A standing bid on a divisible lot. Its price is not a secret: it is what the bidder would pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookBid {
    pub seq: i64,
    pub org: OrgId,
    /// Minor units per unit of the lot.
    pub price: i64,
    pub quantity: i64,
}

/// How much one bid gets, at its own price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    pub bid: BookBid,
    /// At most what was asked, at least the minimum order.
    pub quantity: i64,
}

impl BookBid {
    fn rank(&self) -> Rank {
        Rank { amount: Secret::new(self.price), seq: self.seq }
    }
}

/// Serves the bids by price, then time, until less than a minimum order is left. The last one served may get less than it
/// asked for.
#[must_use]
pub fn allocate(quantity: i64, min_order: i64, book: &[BookBid]) -> Vec<Allocation> {
    let mut best_first = book.to_vec();
    best_first.sort_by_key(|bid| std::cmp::Reverse(bid.rank()));
    let mut left = quantity;
    best_first
        .into_iter()
        .map_while(|bid| {
            let quantity = bid.quantity.min(left);
            left -= quantity;
            (quantity > 0 && quantity >= min_order).then_some(Allocation { bid, quantity })
        })
        .collect()
}

/// The most bids of a divisible lot that can be served; they are the first ones by [`Rank`], and no
/// other bid decides anything.
pub(in crate::auctions) const fn most_served(quantity: i64, min_order: i64) -> i64 {
    if min_order > 0 { quantity / min_order } else { quantity }
}

/// The opening price while a minimum order is left; then one increment above the cheapest bid that is served.
pub(super) fn next_minimum(terms: &Terms, book: &[BookBid]) -> i64 {
    match cheapest_when_full(terms, book) {
        Some(price) => terms.increments.next(price),
        None => terms.opening,
    }
}

/// The price of the cheapest bid that is served, once the lot is spoken for.
fn cheapest_when_full(terms: &Terms, book: &[BookBid]) -> Option<i64> {
    let Lot::Divisible { quantity, min_order } = terms.lot else {
        return None;
    };
    let served = allocate(quantity, min_order, book);
    let given: i64 = served.iter().map(|allocation| allocation.quantity).sum();
    let full = quantity - given < min_order;
    served.last().filter(|_| full).map(|last| last.bid.price)
}

/// The price to beat: what a divisible lot shows as its price.
#[must_use]
pub(super) fn standing(terms: &Terms, book: &[BookBid]) -> Standing {
    Standing { price: cheapest_when_full(terms, book).unwrap_or(terms.opening), leader: None }
}

pub(super) fn decide(state: &State, bid: &Bid) -> Result<Accepted, Refused> {
    let Lot::Divisible { quantity: lot, min_order } = state.terms.lot else {
        return Err(Refused::QuantityOnWholeLot);
    };
    let asked = bid.quantity.unwrap_or(0);
    if asked < min_order || asked > lot {
        return Err(Refused::Quantity { min: min_order, max: lot });
    }
    let price = bid.maximum.reveal();
    let minimum = state.next_minimum();
    if price < minimum {
        return Err(Refused::BelowMinimum { minimum });
    }
    if price.checked_mul(asked).is_none_or(|total| total > MAX_TRADED_MINOR) {
        return Err(Refused::TooLarge);
    }
    let seq = state.seq + 1;
    let mut book = state.book.clone();
    book.push(BookBid { seq, org: bid.bidder.org, price, quantity: asked });
    let served = allocate(lot, min_order, &book);
    let is_served = |seq| served.iter().any(|allocation| allocation.bid.seq == seq);
    let mut outbid: Vec<_> = allocate(lot, min_order, &state.book)
        .iter()
        .filter(|allocation| !is_served(allocation.bid.seq))
        .map(|allocation| allocation.bid.org)
        // An organisation that displaces its own bid already knows.
        .filter(|org| *org != bid.bidder.org)
        .collect();
    outbid.sort_unstable();
    outbid.dedup();
    Ok(Accepted {
        seq,
        effect: if is_served(seq) { Effect::Leads } else { Effect::Outbid },
        visible: price,
        standing: standing(&state.terms, &book),
        ends_at: state.ends_at,
        outbid,
        public_change: true,
    })
}
