//! When somebody who does not pay is reminded, and when the plan ends.

use chrono::{DateTime, TimeDelta, Utc};

/// How long after a charge was due its reminders are sent. With the first one the organisation has no more than the free plan allows.
pub const REMINDERS: [TimeDelta; 3] = [TimeDelta::days(3), TimeDelta::days(7), TimeDelta::days(12)];

/// How long after a charge was due the organisation falls to the free plan. The last reminder leaves two days: a payment that the payer's
/// bank asks about may take one.
pub const LAPSE: TimeDelta = TimeDelta::days(14);

/// How long a payer has to confirm a payment with their bank, from when its provider says that it waits for them: while a provider is
/// away, nobody can be sent there. Then it is cancelled, so that another one can begin.
pub const CONFIRM_WITHIN: TimeDelta = TimeDelta::days(1);

/// What is done about an unpaid charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before then.
    Wait { until: DateTime<Utc> },
    /// The reminder of this number, from one, is sent. One that is overtaken by the next is not sent any more.
    Remind(i16),
    /// The organisation falls to the free plan.
    Lapse,
}

/// Decides at `now` about a charge of which so many reminders were sent.
#[must_use]
pub fn step(due_at: DateTime<Utc>, reminders: i16, now: DateTime<Utc>) -> Step {
    if now >= due_at + LAPSE {
        return Step::Lapse;
    }
    let reached =
        (1_i16..).zip(REMINDERS).filter(|(_, after)| now >= due_at + *after).last().map_or(0, |(number, _)| number);
    if reached > reminders { Step::Remind(reached) } else { Step::Wait { until: next(due_at, reminders) } }
}

/// When the step after this many reminders is due.
#[must_use]
pub fn next(due_at: DateTime<Utc>, reminders: i16) -> DateTime<Utc> {
    let after = usize::try_from(reminders).ok().and_then(|sent| REMINDERS.get(sent)).copied();
    due_at + after.unwrap_or(LAPSE)
}

#[cfg(test)]
mod tests;
