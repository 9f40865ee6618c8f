//! Days as people write them in spreadsheets.

use chrono::NaiveDate;

use crate::imports::model::DateOrder;

/// The years in which a day may lie.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Why a cell is not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADay {
    #[error("must be a day such as 2016-11-08, or 11/8/2016 where `date_order` says which number is the month")]
    Malformed,
    #[error("{0:?} can be read in two ways: say with `date_order` whether the day or the month comes first")]
    Unordered(String),
    #[error("the calendar has no day {0}")]
    NoSuchDay(String),
    #[error("must lie between the years {} and {}", YEARS.start(), YEARS.end())]
    OutOfRange,
}

/// Reads a day: `2016-11-08`, which says itself what is what, or two numbers and a year, which `order` puts in order. Years have four
/// digits: nobody knows of which century others are.
pub fn day(cell: &str, order: Option<DateOrder>) -> Result<NaiveDate, NotADay> {
    let between =
        cell.chars().find(|c| !c.is_ascii_digit()).filter(|c| "-/.".contains(*c)).ok_or(NotADay::Malformed)?;
    let parts: Vec<_> = cell.split(between).collect();
    let &[first, second, third] = parts.as_slice() else { return Err(NotADay::Malformed) };
    let (year, month, day) = match (number(first, 4, 4), order) {
        (Some(year), _) if between == '-' => (Some(year), number(second, 2, 2), number(third, 2, 2)),
        (None, order) => {
            let (first, second, year) = (number(first, 1, 2), number(second, 1, 2), number(third, 4, 4));
            match order {
                Some(DateOrder::MonthFirst) => (year, first, second),
                Some(DateOrder::DayFirst) => (year, second, first),
                None if first.is_some() && second.is_some() && year.is_some() => {
                    return Err(NotADay::Unordered(cell.to_owned()));
                }
                None => return Err(NotADay::Malformed),
            }
        }
        _ => return Err(NotADay::Malformed),
    };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(NotADay::Malformed) };
    let year = i32::try_from(year).map_err(|_| NotADay::OutOfRange)?;
    let found = NaiveDate::from_ymd_opt(year, month, day)
        .ok_or_else(|| NotADay::NoSuchDay(format!("{year:04}-{month:02}-{day:02}")))?;
    if YEARS.contains(&year) { Ok(found) } else { Err(NotADay::OutOfRange) }
}

/// A number of so many digits.
fn number(text: &str, least: usize, most: usize) -> Option<u32> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
