//! Which days a document may have.

use chrono::{Datelike, NaiveDate};
use shared::invalid::Invalid;

use super::model::DocumentStatus;

/// The first and the last year that a document may name.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Judges the days of a document that is handed in on `today`, where its organisation is.
pub fn judge_days(issued_on: NaiveDate, expires_on: NaiveDate, today: NaiveDate) -> Result<(), Invalid> {
    for (pointer, day) in [("/issued_on", issued_on), ("/expires_on", expires_on)] {
        if !YEARS.contains(&day.year()) {
            return Err(Invalid::new(pointer, format!("must be from {} to {}", YEARS.start(), YEARS.end())));
        }
    }
    if issued_on > today {
        return Err(Invalid::new("/issued_on", format!("must not be after today, {today}")));
    }
    if expires_on < issued_on {
        return Err(Invalid::new("/expires_on", format!("must not be before the day of issue, {issued_on}")));
    }
    if expires_on < today {
        return Err(Invalid::new("/expires_on", format!("has passed: today is {today}")));
    }
    Ok(())
}

/// Whether a moderator may decide so about a document that stands there. What was verified may turn out to be forged; what was rejected
/// is handed in again.
#[must_use]
pub const fn may_decide(status: DocumentStatus, verifies: bool) -> bool {
    match status {
        DocumentStatus::Pending => true,
        DocumentStatus::Verified => !verifies,
        DocumentStatus::Rejected | DocumentStatus::Expired => false,
    }
}

#[cfg(test)]
mod tests;
