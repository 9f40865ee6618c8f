//! Proxy bids on a whole lot: the secret maximum bids for its owner.

use super::{Accepted, Bid, Effect, Offer, Rank, Refused, Standing, State, Terms};

pub(super) fn decide(state: &State, bid: &Bid) -> Result<Accepted, Refused> {
    if bid.quantity.is_some() {
        return Err(Refused::QuantityOnWholeLot);
    }
    let leader = state.standing.leader;
    if let Some(leader) = leader
        && leader.org == bid.bidder.org
    {
        if bid.maximum <= leader.rank.amount {
            return Err(Refused::NotARaise);
        }
    } else {
        let minimum = state.next_minimum();
        if bid.maximum.reveal() < minimum {
            return Err(Refused::BelowMinimum { minimum });
        }
    }
    let seq = state.seq + 1;
    let offer = Offer { org: bid.bidder.org, rank: Rank { amount: bid.maximum, seq } };
    let (standing, effect) = apply(&state.terms, state.standing, offer);
    let visible = match effect {
        // The loser's maximum is spent, so it is no longer a secret; the winner's stays one.
        Effect::Outbid => bid.maximum.reveal(),
        Effect::Leads | Effect::Raised => standing.price,
    };
    let outbid = leader.filter(|_| effect == Effect::Leads).map(|leader| leader.org);
    Ok(Accepted {
        seq,
        effect,
        visible,
        standing,
        ends_at: state.ends_at,
        outbid: outbid.into_iter().collect(),
        public_change: true,
    })
}

/// Price and leader after an accepted bid.
///
/// Works for offers in any order, even where [`decide`] would have refused one: a replay after a
/// retraction can meet an offer that was accepted at the time, but would be below the minimum now.
#[must_use]
pub fn apply(terms: &Terms, before: Standing, offer: Offer) -> (Standing, Effect) {
    let (price, leader, effect) = match before.leader {
        None => (terms.opening, offer, Effect::Leads),
        Some(leader) if leader.org == offer.org => {
            let higher = if offer.rank > leader.rank { offer } else { leader };
            (before.price, higher, Effect::Raised)
        }
        Some(leader) => {
            let (higher, lower, effect) =
                if offer.rank > leader.rank { (offer, leader, Effect::Leads) } else { (leader, offer, Effect::Outbid) };
            let over_lower = terms.increments.next(lower.rank.amount.reveal());
            let price = over_lower.min(higher.rank.amount.reveal());
            (price.max(before.price), higher, effect)
        }
    };
    let price = match terms.reserve {
        Some(reserve) if leader.rank.amount >= reserve => price.max(reserve.reveal()),
        _ => price,
    };
    let leader = Some(leader);
    (Standing { price, leader }, effect)
}

/// Price and leader from the bids that remain, in the order in which they were placed.
pub fn replay(terms: &Terms, offers: impl IntoIterator<Item = Offer>) -> Standing {
    let empty = Standing { price: terms.opening, leader: None };
    offers.into_iter().fold(empty, |standing, offer| apply(terms, standing, offer).0)
}
