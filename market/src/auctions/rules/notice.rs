//! How often an organisation is notified that it was outbid: at most once in ten minutes, and every time in the last hour.

use chrono::{DateTime, TimeDelta, Utc};

/// The least time between two mails.
const SPACE: TimeDelta = TimeDelta::minutes(10);
/// In this last part of an auction every lost lead is reported at once.
const LAST: TimeDelta = TimeDelta::hours(1);

/// What to do about an organisation that was outbid before the last hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Notify it.
    Now,
    /// It was notified a moment ago: look again at this time.
    At(DateTime<Utc>),
    /// It was notified in the last hour, which covers everything before.
    Notified,
}

/// Whether an organisation outbid now is notified at once.
#[must_use]
pub fn is_last_hour(ends_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now >= ends_at - LAST
}

/// Decides about an organisation that was last notified at `notified_at`.
#[must_use]
pub fn decide_notice(notified_at: Option<DateTime<Utc>>, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> Notice {
    let Some(notified_at) = notified_at else { return Notice::Now };
    if is_last_hour(ends_at, now) {
        return if is_last_hour(ends_at, notified_at) { Notice::Notified } else { Notice::Now };
    }
    match (notified_at + SPACE).min(ends_at - LAST) {
        due if due <= now => Notice::Now,
        due => Notice::At(due),
    }
}
