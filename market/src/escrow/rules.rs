//! When money that is held may move. Of several who want it at once, the first decides: each asks under the order's lock.

use chrono::{DateTime, TimeDelta, Utc};
use shared::money::Money;

use crate::escrow::model::{Escrow, EscrowStatus};

/// How long a buyer may find fault with what was delivered.
pub const INSPECTION: TimeDelta = TimeDelta::days(7);

/// How long a buyer has to confirm a payment with their bank, from when its provider says that it waits for them: while a provider is
/// away, nobody can be sent there. Then it is cancelled, so that another one can begin. Its checkout ends no earlier than that.
pub const CONFIRM_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// What somebody wants done with what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The buyer has accepted the goods.
    Accept,
    /// Nobody has found fault in time.
    Lapse,
    /// The buyer does not agree.
    Freeze,
    /// The buyer agrees after all.
    Thaw,
    /// The seller gives this much back.
    Refund(Money),
    /// This much of what is the seller's already goes back.
    TakeBack(Money),
    /// A dispute is decided: the buyer gets this much back, the seller the rest.
    Decide(Money),
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EscrowRefusal {
    #[error("the money is not the seller's yet")]
    NotReleased,
    #[error("the money is the seller's")]
    Released,
    #[error("the money was given back")]
    Refunded,
    #[error("a part of the money was given back and the rest is the seller's")]
    Partly,
    #[error("a dispute about the order is not decided")]
    Frozen,
    #[error("there is no dispute about the order")]
    NotFrozen,
    #[error("the buyer may find fault until {until}")]
    TooEarly { until: DateTime<Utc> },
    #[error("nothing was delivered yet")]
    NotDelivered,
    #[error("the time to find fault is over since {since}")]
    TooLate { since: DateTime<Utc> },
    #[error("the amount must lie between {least} and {most}")]
    Amount { least: Money, most: Money },
}

/// What becomes of an escrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    pub status: EscrowStatus,
    /// How much of it goes to the buyer now.
    pub refund: Option<Money>,
    /// How much of it goes to the seller now; below zero: it comes from the seller.
    pub release: Option<Money>,
}

/// Decides at `now`, which was read after the lock.
///
/// # Errors
/// See [`EscrowRefusal`].
pub fn decide(escrow: &Escrow, wish: Wish, now: DateTime<Utc>) -> Result<Next, EscrowRefusal> {
    let money = |minor| Money::from_minor(minor, escrow.amount.currency());
    if let Wish::TakeBack(amount) = wish {
        return take_back(escrow, amount);
    }
    let left = money(escrow.amount.minor() - escrow.released.minor() - escrow.refunded.minor());
    let frozen = match escrow.status {
        EscrowStatus::Held => false,
        EscrowStatus::Frozen => true,
        EscrowStatus::Released => return Err(EscrowRefusal::Released),
        EscrowStatus::Refunded => return Err(EscrowRefusal::Refunded),
        EscrowStatus::Partly => return Err(EscrowRefusal::Partly),
    };
    match wish {
        Wish::Thaw | Wish::Decide(_) if !frozen => return Err(EscrowRefusal::NotFrozen),
        Wish::Accept | Wish::Lapse | Wish::Freeze | Wish::Refund(_) if frozen => return Err(EscrowRefusal::Frozen),
        _ => {}
    }
    let moved = |refund: i64, release: i64| {
        let refunded = escrow.refunded.minor() + refund;
        let status = if refund + release < left.minor() {
            escrow.status
        } else if refunded == 0 {
            EscrowStatus::Released
        } else if release == 0 {
            EscrowStatus::Refunded
        } else {
            EscrowStatus::Partly
        };
        let some = |minor: i64| (minor > 0).then(|| money(minor));
        Next { status, refund: some(refund), release: some(release) }
    };
    match (wish, escrow.inspect_until) {
        (Wish::Accept | Wish::Lapse, None) => Err(EscrowRefusal::NotDelivered),
        (Wish::Lapse, Some(until)) if now < until => Err(EscrowRefusal::TooEarly { until }),
        (Wish::Accept | Wish::Lapse, Some(_)) => Ok(moved(0, left.minor())),
        (Wish::Freeze, Some(until)) if now >= until => Err(EscrowRefusal::TooLate { since: until }),
        (Wish::Freeze, _) => Ok(Next { status: EscrowStatus::Frozen, refund: None, release: None }),
        (Wish::Thaw, _) => Ok(Next { status: EscrowStatus::Held, refund: None, release: None }),
        (Wish::Refund(amount), _) => {
            let least = money(1);
            if amount.currency() != left.currency() || amount.minor() < 1 || amount.minor() > left.minor() {
                return Err(EscrowRefusal::Amount { least, most: left });
            }
            Ok(moved(amount.minor(), 0))
        }
        (Wish::TakeBack(_), _) => Err(EscrowRefusal::NotReleased),
        (Wish::Decide(amount), _) => {
            if amount.currency() != left.currency() || amount.minor() < 0 || amount.minor() > left.minor() {
                return Err(EscrowRefusal::Amount { least: money(0), most: left });
            }
            Ok(moved(amount.minor(), left.minor() - amount.minor()))
        }
    }
}

/// Out of what money goes back to a buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What is held.
    Held,
    /// What is the seller's already.
    Earned,
}

/// What goes back for goods that cost `share` and came back, and out of what. Less than the share if less is left, and nothing
/// if nothing is, or if they cost nothing.
///
/// # Errors
/// [`EscrowRefusal::Frozen`]: a dispute decides about the money first.
pub fn refundable(escrow: &Escrow, share: Money) -> Result<Option<(Source, Money)>, EscrowRefusal> {
    let (source, left) = match escrow.status {
        EscrowStatus::Frozen => return Err(EscrowRefusal::Frozen),
        EscrowStatus::Refunded => return Ok(None),
        EscrowStatus::Held => (Source::Held, escrow.amount.minor() - escrow.released.minor() - escrow.refunded.minor()),
        EscrowStatus::Released | EscrowStatus::Partly => (Source::Earned, escrow.released.minor()),
    };
    let amount = share.minor().min(left);
    Ok((amount > 0).then(|| (source, Money::from_minor(amount, escrow.amount.currency()))))
}

fn take_back(escrow: &Escrow, amount: Money) -> Result<Next, EscrowRefusal> {
    match escrow.status {
        EscrowStatus::Held => return Err(EscrowRefusal::NotReleased),
        EscrowStatus::Frozen => return Err(EscrowRefusal::Frozen),
        EscrowStatus::Refunded => return Err(EscrowRefusal::Refunded),
        EscrowStatus::Released | EscrowStatus::Partly => {}
    }
    let (least, most) = (Money::from_minor(1, escrow.amount.currency()), escrow.released);
    if amount.currency() != most.currency() || !(1..=most.minor()).contains(&amount.minor()) {
        return Err(EscrowRefusal::Amount { least, most });
    }
    let status = if amount == most { EscrowStatus::Refunded } else { EscrowStatus::Partly };
    let release = Some(Money::from_minor(-amount.minor(), amount.currency()));
    Ok(Next { status, refund: Some(amount), release })
}

#[cfg(test)]
mod tests;
