//! Times and durations as people type them.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The longest duration, within what chrono and PostgreSQL can add to a date and subtract from it.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Parses `90s`, `15m`, `2h`, `7d`, `250ms`, or a sum such as `1h30m`; a hundred years at most.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write 90s, 15m, 2h, 7d or 1h30m");
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail;
    }
    if total > LONGEST {
        return Err(format!("{text:?} is longer than a hundred years"));
    }
    Ok(total)
}

/// A point in time: absolute, or relative to the database's present time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl When {
    /// The time that is meant, where `now` is the database's.
    pub(crate) fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

/// Parses `2h` (that long ago) or an RFC 3339 time.
pub(crate) fn past(text: &str) -> Result<When, String> {
    if let Ok(ago) = duration(text) {
        return Ok(When::Ago(ago));
    }
    absolute(text).map(When::At).map_err(|_| format!("{text:?} is neither a duration such as 2h nor an RFC 3339 time"))
}

/// Parses an RFC 3339 time such as `2026-05-01T12:00:00Z`.
pub(crate) fn absolute(text: &str) -> Result<DateTime<Utc>, String> {
    let parsed = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    parsed.map_err(|_| format!("{text:?} is not an RFC 3339 time such as 2026-05-01T12:00:00Z"))
}

#[cfg(test)]
mod tests;
