//! What a change of plan costs, and when it takes effect: a better plan at once, for the days that are left of the term; a lesser one
//! when the term is over, since it is paid for.

use shared::money::Money;

use crate::identity::Plan;
use crate::plans::model::SubscriptionStatus;

/// A subscription at the moment when its plan is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    pub plan: Plan,
    pub status: SubscriptionStatus,
    /// What the plan costs in a whole term.
    pub fee: Money,
    /// The days of the term, and how many of them are left, today among them.
    pub days: i64,
    pub days_left: i64,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The plan stays, and whatever was to follow it does not.
    Keep,
    /// The other plan follows when the term is over; the free one ends the subscription.
    Later(Plan),
    /// The other plan holds from now on. `charge`: what is owed for it, if anything is.
    Now { plan: Plan, fee: Money, charge: Option<Money> },
}

/// Why the plan does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    #[error("what is owed must be paid first")]
    PastDue,
    #[error("the plan is not offered in this currency")]
    NotOffered,
}

/// How much better a plan is than the free one.
const fn rank(plan: Plan) -> u8 {
    match plan {
        Plan::Free => 0,
        Plan::Standard => 1,
        Plan::Pro => 2,
        Plan::Partner => 3,
    }
}

/// Decides about a change to `wanted`, which costs `fee` a term in the subscription's currency; the free plan costs nothing, and one
/// that is not offered has no fee.
///
/// # Errors
/// See [`ChangeRefusal`].
pub fn decide(before: &Before, wanted: Plan, fee: Option<Money>) -> Result<Change, ChangeRefusal> {
    if wanted == before.plan {
        return Ok(Change::Keep);
    }
    if wanted == Plan::Free {
        return Ok(Change::Later(wanted));
    }
    let fee = fee.filter(|fee| fee.currency() == before.fee.currency()).ok_or(ChangeRefusal::NotOffered)?;
    if rank(wanted) < rank(before.plan) {
        return Ok(Change::Later(wanted));
    }
    match before.status {
        SubscriptionStatus::Trial => {
            Ok(Change::Now { plan: wanted, fee: Money::from_minor(0, fee.currency()), charge: None })
        }
        SubscriptionStatus::PastDue => Err(ChangeRefusal::PastDue),
        SubscriptionStatus::Active | SubscriptionStatus::Cancelled => {
            // A better plan that has become cheaper costs nothing more in this term, and counts for what was charged.
            let fee = if fee.minor() < before.fee.minor() { before.fee } else { fee };
            let charge = for_the_rest(before.fee, fee, before.days_left, before.days).filter(|due| due.minor() > 0);
            Ok(Change::Now { plan: wanted, fee, charge })
        }
    }
}

/// The difference of two fees for `left` of `days` days, rounded down to a whole minor unit: whoever pays never pays a fraction of one
/// too much, however often a plan changes in a term. `None`: the fees are of two currencies, or there is no such day in the term.
#[must_use]
pub fn for_the_rest(from: Money, to: Money, left: i64, days: i64) -> Option<Money> {
    if days < 1 || !(0..=days).contains(&left) {
        return None;
    }
    let difference = i128::from(to.checked_sub(from).ok()?.minor().max(0));
    let due = difference * i128::from(left) / i128::from(days);
    i64::try_from(due).ok().map(|minor| Money::from_minor(minor, to.currency()))
}

#[cfg(test)]
mod tests;
