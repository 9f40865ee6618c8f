//! What follows from strikes.
//!
//! How to get this wrong: to count the strikes of the last 90 days only, since a bar outlasts the first of the strikes that led
//! to it.

use chrono::{DateTime, TimeDelta, Utc};

/// How long strikes count together.
pub const WINDOW: TimeDelta = TimeDelta::days(90);

/// How long the third strike bars.
pub const BAR: TimeDelta = TimeDelta::days(60);

/// In how many auctions somebody with two strikes may have bids at once.
pub const MOST_AUCTIONS: i64 = 3;

/// What a buyer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    None,
    /// Bids in at most so many open auctions at once.
    Auctions(i64),
    /// Neither bids nor purchases of lots until then.
    Barred {
        until: DateTime<Utc>,
    },
}

/// What follows, at `now`, from the strikes that count, the oldest first.
#[must_use]
pub fn limit(strikes: &[DateTime<Utc>], now: DateTime<Utc>) -> Limit {
    let third = strikes.windows(3).filter(|three| three[2] - three[0] < WINDOW).map(|three| three[2] + BAR).max();
    if let Some(until) = third.filter(|until| *until > now) {
        return Limit::Barred { until };
    }
    match strikes.iter().filter(|at| now - **at < WINDOW).count() {
        0 | 1 => Limit::None,
        _ => Limit::Auctions(MOST_AUCTIONS),
    }
}

#[cfg(test)]
mod tests;
