//! Schedule expressions as text, checked so that an error names the field and the place.
//!
//! | Form | Meaning |
//! |---|---|
//! | `0 30 2 * * MON` | seconds, minutes, hours, day of month, month, day of week |
//! | `0 30 2 * * MON 2030` | the same with years |
//! | `30 2 * * MON` | crontab's five fields, at second 0 |
//! | `@hourly` `@daily` `@weekly` `@monthly` `@yearly` | at the start of the period; weeks start on Sunday |
//! | `@every 15s` (`m`, `h`, `d`) | after the same elapsed time, counted from the Unix epoch |
//!
//! - A field is `*`, a number, a range `1-5`, a name (`MON`, `JAN`), any of them with a step (`*/15`, `8-18/2`), or a list of these
//!   with commas. `10/15` is 10, 25, 40, 55. Days may also be `?`, which is `*`.
//! - Day of month **and** day of week must both match: `0 0 6 13 * FRI` is Friday the 13th. (crontab would take either.)
//! - Numbers of weekdays are Quartz's, 1 = SUN to 7 = SAT. crontab counts from 0 = Sunday, so five-field expressions must
//!   write weekdays as names: a copied `30 2 * * 1` would otherwise silently move from Monday to Sunday.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use cron::TimeUnitSpec;

/// Longer texts are not expressions.
const MAX_LENGTH: usize = 300;
/// An interval that is longer than this is a cron expression, or a typing error.
const MAX_INTERVAL: Duration = Duration::from_hours(366 * 24);

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    #[error("the expression is empty; write for example `0 0 2 * * *` for every day at 02:00:00")]
    Empty,
    #[error("the expression is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error(
        "the expression has {0} fields; write 6 (seconds minutes hours day-of-month month day-of-week), 7 with years, or \
         crontab's 5"
    )]
    FieldCount(usize),
    /// `column` counts characters from 1.
    #[error("{field} (`{item}` at column {column}): {problem}")]
    Field { field: &'static str, column: usize, item: String, problem: String },
    #[error("`{0}` is not known; there are @hourly, @daily, @weekly, @monthly, @yearly and @every 15s")]
    Shorthand(String),
    #[error("the interval `{0}` is not a number with s, m, h or d, from 1s to 366d")]
    Interval(String),
    #[error("the expression names a date that no year has, so it never fires")]
    NeverFires,
}

/// The times that an expression names, without a time zone.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    pub(super) kind: ExpressionKind,
}

#[derive(Clone, Debug)]
pub(super) enum ExpressionKind {
    Wall(Box<WallPattern>),
    /// Whole seconds, at least one.
    Interval(TimeDelta),
}

/// Wall-clock times.
#[derive(Clone, Debug)]
pub(super) struct WallPattern {
    cron: cron::Schedule,
    /// The hours field names all 24 hours, so that the schedule follows elapsed time through a change of the clock.
    pub(super) every_hour: bool,
}

impl WallPattern {
    /// The first named wall-clock time after `wall`, to the second. `None` after the year 2100.
    pub(super) fn after(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        // UTC has every wall-clock time exactly once: the cron crate sees no zone, so our rule alone decides.
        self.cron.after(&wall.and_utc()).next().map(|next| next.naive_utc())
    }

    /// Whether the pattern names this wall-clock time.
    pub(super) fn names(&self, wall: NaiveDateTime) -> bool {
        self.cron.includes(wall.and_utc())
    }
}

impl Expression {
    /// Reads an expression in one of the forms above.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(ExpressionError::Empty);
        }
        if trimmed.chars().count() > MAX_LENGTH {
            return Err(ExpressionError::TooLong);
        }
        let kind = if trimmed.starts_with('@') { shorthand(trimmed)? } else { fields(text)? };
        if let ExpressionKind::Wall(pattern) = &kind
            && pattern.after(DateTime::UNIX_EPOCH.naive_utc()).is_none()
        {
            return Err(ExpressionError::NeverFires);
        }
        Ok(Self { text: trimmed.split_whitespace().collect::<Vec<_>>().join(" "), kind })
    }

    /// The text, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Self::parse(text)
    }
}

/// `@every 90s` in the largest unit that divides it.
pub(super) fn every_text(interval: Duration) -> String {
    let seconds = interval.as_secs();
    if seconds == 0 || interval.subsec_nanos() > 0 {
        return format!("@every {interval:?}");
    }
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, 's'));
    format!("@every {}{unit}", seconds / size)
}

fn shorthand(text: &str) -> Result<ExpressionKind, ExpressionError> {
    if let Some(interval) = text.strip_prefix("@every ") {
        return interval_of(interval.trim())
            .map(ExpressionKind::Interval)
            .ok_or_else(|| ExpressionError::Interval(interval.trim().to_owned()));
    }
    if !["@hourly", "@daily", "@weekly", "@monthly", "@yearly"].contains(&text) {
        return Err(ExpressionError::Shorthand(text.to_owned()));
    }
    wall(text).map_err(|_| ExpressionError::Shorthand(text.to_owned()))
}

fn interval_of(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let size = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let seconds = number.checked_mul(size)?;
    let allowed = (1..=MAX_INTERVAL.as_secs()).contains(&seconds);
    allowed.then(|| i64::try_from(seconds).ok().map(TimeDelta::seconds)).flatten()
}

fn wall(text: &str) -> Result<ExpressionKind, cron::error::Error> {
    let cron = cron::Schedule::from_str(text)?;
    let every_hour = cron.hours().is_all();
    Ok(ExpressionKind::Wall(Box::new(WallPattern { cron, every_hour })))
}

/// What a field may say. The cron crate parses; this only explains, because the crate's own errors do not name the field.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    /// Of `min`, `min + 1`, …; the first three letters do.
    names: &'static [&'static str],
    /// Whether `?` stands for `*`.
    any: bool,
}

const FIELDS: [Field; 7] = [
    Field { name: "seconds", min: 0, max: 59, names: &[], any: false },
    Field { name: "minutes", min: 0, max: 59, names: &[], any: false },
    Field { name: "hours", min: 0, max: 23, names: &[], any: false },
    Field { name: "day of month", min: 1, max: 31, names: &[], any: true },
    Field { name: "month", min: 1, max: 12, names: MONTHS, any: false },
    Field { name: "day of week", min: 1, max: 7, names: DAYS, any: true },
    Field { name: "year", min: 1970, max: 2100, names: &[], any: false },
];
const DAY_OF_WEEK: usize = 5;
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

fn fields(text: &str) -> Result<ExpressionKind, ExpressionError> {
    let mut parts: Vec<(usize, &str)> = Vec::new();
    let mut start = None;
    for (at, char) in text.char_indices().chain([(text.len(), ' ')]) {
        match (char.is_whitespace(), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                parts.push((from, &text[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    // Crontab's five fields start with the minutes.
    let skipped = match parts.len() {
        5 => 1,
        6 | 7 => 0,
        count => return Err(ExpressionError::FieldCount(count)),
    };
    let mut canonical = if skipped == 1 { "0".to_owned() } else { String::new() };
    for (index, (offset, part)) in parts.iter().enumerate() {
        let place = index + skipped;
        let mut at = *offset;
        for item in part.split(',') {
            let problem = if skipped == 1 && place == DAY_OF_WEEK && item.contains(|char: char| char.is_ascii_digit()) {
                crontab_weekday(item)
            } else {
                check(&FIELDS[place], item)
            };
            if let Err(problem) = problem {
                let column = text[..at].chars().count() + 1;
                return Err(ExpressionError::Field {
                    field: FIELDS[place].name,
                    column,
                    item: item.to_owned(),
                    problem,
                });
            }
            at += item.len() + 1;
        }
        if !canonical.is_empty() {
            canonical.push(' ');
        }
        canonical.push_str(part);
    }
    wall(&canonical).map_err(|error| ExpressionError::Field {
        field: "expression",
        column: 1,
        item: text.trim().to_owned(),
        problem: error.to_string().lines().last().unwrap_or_default().to_owned(),
    })
}

/// In a five-field expression a digit in the weekday is allowed only as a step.
fn crontab_weekday(item: &str) -> Result<(), String> {
    let base = item.split('/').next().unwrap_or(item);
    if base.contains(|char: char| char.is_ascii_digit()) {
        return Err("write the weekday as a name (MON) in a five-field expression; as a number, crontab and this \
                    scheduler would mean different days"
            .to_owned());
    }
    check(&FIELDS[DAY_OF_WEEK], item)
}

fn check(field: &Field, item: &str) -> Result<(), String> {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (item, None),
    };
    if let Some(step) = step {
        let number = digits(step).ok_or_else(|| format!("the step `{step}` is not a number"))?;
        if !(1..=field.max).contains(&number) {
            return Err(format!("the step is from 1 to {}", field.max));
        }
        if digits(base).is_none() && base != "*" && base != "?" && !base.contains('-') {
            return Err("a step follows `*`, a number or a range".to_owned());
        }
    }
    match base {
        "" => {
            return Err(
                if item.is_empty() { "a list has an empty entry" } else { "nothing before the step" }.to_owned()
            );
        }
        "*" => return Ok(()),
        "?" if field.any => return Ok(()),
        "?" => return Err("`?` is only for days; write `*`".to_owned()),
        _ => {}
    }
    let Some((first, last)) = base.split_once('-') else {
        return value(field, base).map(|_| ());
    };
    if digits(first).is_some() != digits(last).is_some() {
        return Err("a range is of two numbers or of two names".to_owned());
    }
    let (from, to) = (value(field, first)?, value(field, last)?);
    if from > to {
        return Err(format!("the range runs backwards; write `{first}-{}` and the rest as a list", field.last()));
    }
    Ok(())
}

impl Field {
    fn last(&self) -> String {
        self.names.last().map_or_else(|| self.max.to_string(), |name| name[..3].to_uppercase())
    }
}

/// The number of a value, which is written as a number or as a name.
fn value(field: &Field, text: &str) -> Result<u32, String> {
    if let Some(number) = digits(text) {
        if (field.min..=field.max).contains(&number) {
            return Ok(number);
        }
        let hint = if field.names == DAYS { " (1 is SUN, 7 is SAT; names are clearer)" } else { "" };
        return Err(format!("`{text}` is not from {} to {}{hint}", field.min, field.max));
    }
    let lower = text.to_ascii_lowercase();
    let named = field.names.iter().position(|name| *name == lower || name[..3] == lower || also(name, &lower));
    match named {
        Some(index) => Ok(field.min + u32::try_from(index).unwrap_or(0)),
        None if field.names.is_empty() => Err(format!("`{text}` is not a number from {} to {}", field.min, field.max)),
        None => Err(format!("`{text}` is not a {}; write {} or its number", field.name, field.last())),
    }
}

/// The longer short forms that the cron crate knows.
fn also(name: &str, text: &str) -> bool {
    matches!((name, text), ("tuesday", "tues") | ("thursday", "thurs"))
}

/// A run of digits, as a number; too many of them saturate and are out of every range.
fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().unwrap_or(u32::MAX))
}

/// The first multiple of the interval, from the Unix epoch, after a time.
pub(super) fn next_multiple(interval: TimeDelta, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let size = interval.num_seconds().max(1);
    let next = after.timestamp().div_euclid(size).checked_add(1)?.checked_mul(size)?;
    DateTime::from_timestamp(next, 0)
}
