//! What is paid out, and when.

use crate::payouts::model::PayoutStatus;

/// A payout that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    pub status: PayoutStatus,
    /// Whether its money has reached the seller's account at the provider, out of which it is paid.
    pub transferred: bool,
    /// Whether that account can be paid out of.
    pub usable: bool,
}

/// What is known of a seller and a currency, under the seller's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// What the seller has earned and was not paid, in minor units.
    pub due: i64,
    pub open: Option<Open>,
    /// Whether the seller has an account that can be paid to.
    pub active: bool,
    /// Whether the platform withholds what it owes, as from those whom it has suspended.
    pub withheld: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// Begin a payout that waits for an account.
    Wait,
    /// Begin a payout of all that is due.
    Begin,
    /// Pay all that is due with the one that waits.
    Fill,
    /// Ask once more for the one that has reached the account.
    Again,
    /// End the one that waits: nothing is due any more.
    End,
}

/// Decides about a seller's earnings in one currency.
#[must_use]
pub const fn decide(position: Position) -> Step {
    if position.withheld {
        return Step::Nothing;
    }
    match position.open {
        Some(Open { status: PayoutStatus::Waiting, transferred: true, usable }) => {
            if usable {
                Step::Again
            } else {
                Step::Nothing
            }
        }
        Some(Open { status: PayoutStatus::Waiting, transferred: false, .. }) => match (position.due, position.active) {
            (..=0, _) => Step::End,
            (_, true) => Step::Fill,
            (_, false) => Step::Nothing,
        },
        Some(_) => Step::Nothing,
        None => match (position.due, position.active) {
            (..=0, _) => Step::Nothing,
            (_, true) => Step::Begin,
            (_, false) => Step::Wait,
        },
    }
}

#[cfg(test)]
mod tests;
