//! The days of a term.

use chrono::{Datelike, Months, NaiveDate};

/// The day on which a term ends that begins on `starts_on`: the anchor's day of the next month, or the last day of a month that has
/// no such day. `None`: there is no such date in the calendar.
#[must_use]
pub fn ends_on(starts_on: NaiveDate, anchor_day: u32) -> Option<NaiveDate> {
    let first = starts_on.with_day(1)?.checked_add_months(Months::new(1))?;
    (1..=anchor_day.min(31)).rev().find_map(|day| first.with_day(day))
}

#[cfg(test)]
mod tests;
