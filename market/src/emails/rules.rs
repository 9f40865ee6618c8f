//! When an address is given up.

use chrono::TimeDelta;

use super::model::Refusals;

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
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn it_takes_several_refusals_over_days() {
        let refused = |refusals, hours| {
            let first_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            is_given_up(&Refusals { refusals, first_at, last_at: first_at + TimeDelta::hours(hours) })
        };
        assert!(!refused(1, 0));
        assert!(!refused(50, 71), "many mails during one block");
        assert!(!refused(2, 1000));
        assert!(refused(3, 72));
    }
}
