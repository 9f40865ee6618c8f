//! A lot that was not sold, or not paid, goes to its next bidder.

use chrono::TimeDelta;

use super::{Lot, Secret, State};

/// How long the next bidder has to decide.
pub const SECOND_CHANCE: TimeDelta = TimeDelta::hours(24);

/// The best bid that has won nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextBid {
    pub maximum: Secret,
    /// How many units it is for.
    pub quantity: i64,
}

/// What the next bidder is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    pub quantity: i64,
    /// For the whole quantity: nobody is asked for more than they have bid.
    pub amount: i64,
}

/// Why nobody is offered the lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChance {
    #[error("the next bid is below the reserve, which takes the seller's consent")]
    BelowReserve,
    #[error("what is left is less than the minimum order")]
    TooLittle,
    #[error("the amount is too large")]
    TooLarge,
}

/// What the next bidder is offered of `free` units. `consent`: the seller agrees to less than the reserve.
pub fn decide_second_chance(state: &State, next: NextBid, free: i64, consent: bool) -> Result<Chance, NoChance> {
    let price = next.maximum.reveal();
    match state.terms.lot {
        Lot::Whole => {
            let reached = state.terms.reserve.is_none_or(|reserve| next.maximum >= reserve);
            if reached || consent { Ok(Chance { quantity: free, amount: price }) } else { Err(NoChance::BelowReserve) }
        }
        Lot::Divisible { min_order, .. } => {
            let quantity = next.quantity.min(free);
            if quantity < min_order {
                return Err(NoChance::TooLittle);
            }
            let amount = price.checked_mul(quantity).ok_or(NoChance::TooLarge)?;
            Ok(Chance { quantity, amount })
        }
    }
}
