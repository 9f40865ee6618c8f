//! When an address is given up, what the provider reports, when quiet hours end, and the links that end mails.

use chrono::TimeDelta;

use super::model::Refusals;

pub mod postmark;
pub mod quiet;
pub mod unsubscribing;

/// Refusals that do not say whether the mailbox exists, before the address is given up …
pub const MOST_REFUSALS: i32 = 3;
/// … and the time that must lie between the first and the last of them: a block on the sender is
/// over by then.
pub const REFUSED_FOR: TimeDelta = TimeDelta::days(3);

/// Whether an address has been refused so often, and for so long, that it is no longer written to.
#[must_use]
pub fn is_given_up(it: &Refusals) -> bool {
    it.refusals >= MOST_REFUSALS && it.last_at - it.first_at >= REFUSED_FOR
}

#[cfg(test)]
mod tests;
