//! What follows from an attempt.

use chrono::{DateTime, TimeDelta, Utc};

use crate::webhooks::model::{AttemptOutcome, StopReason};

#[cfg(test)]
mod tests;

/// How long to wait after each failed attempt of a round, as Standard Webhooks 1.0 suggests ("Deliverability and reliability"): ten
/// attempts within a little more than three days.
const DELAYS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// How many attempts a round has at most.
pub const ATTEMPTS: usize = DELAYS.len() + 1;

/// The longest that an endpoint may have us wait, by `Retry-After`.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// For how long an endpoint may fail at every attempt before it is paused.
pub const PATIENCE: TimeDelta = TimeDelta::days(5);

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// Another attempt after this long.
    Again(TimeDelta),
    /// That was the last one of the round.
    GiveUp,
    /// So was it, and nothing more is sent to the endpoint.
    Stop(StopReason),
}

/// What follows from an attempt, the `number`th of its round, counted from 1. `failing_since`: since when every attempt at the endpoint
/// has failed, this one included. `asked`: how long the endpoint wants us to wait.
#[must_use]
pub fn next(
    outcome: AttemptOutcome,
    number: usize,
    failing_since: DateTime<Utc>,
    asked: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> Next {
    match outcome {
        AttemptOutcome::Delivered => Next::Delivered,
        AttemptOutcome::Gone => Next::Stop(StopReason::Gone),
        _ if now - failing_since >= PATIENCE => Next::Stop(StopReason::Failing),
        _ => match DELAYS.get(number.saturating_sub(1)) {
            Some(delay) => Next::Again(asked.map_or(*delay, |asked| asked.min(LONGEST).max(*delay))),
            None => Next::GiveUp,
        },
    }
}

impl AttemptOutcome {
    /// What an answer with this status means. Redirects are not followed: where one leads, nobody has judged.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            300..=399 => Self::Redirected,
            410 => Self::Gone,
            _ => Self::Refused,
        }
    }
}
