//! When quiet hours end. They are what the clock on the wall says, so that a change of the clock makes them an hour shorter or longer.

use chrono::offset::LocalResult;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::{GapInfo, Tz};

use crate::emails::model::QuietHours;

/// When the quiet hours end that `now` is in; `None` if it is in none.
#[must_use]
pub fn quiet_until(hours: QuietHours, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (from, to) = hours.minutes();
    let wall = now.with_timezone(&zone).naive_local();
    let minute = i16::try_from(wall.hour() * 60 + wall.minute()).ok()?;
    let is_quiet = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !is_quiet {
        return None;
    }
    let days = [Some(wall.date()), wall.date().checked_add_days(Days::new(1))];
    let ends = days.into_iter().flatten().flat_map(|day| instants(zone, day, to));
    ends.filter(|end| *end > now).min()
}

/// When the clock on the wall shows this minute of the day: twice in a repeated hour. If it is put forward past it, that is when.
fn instants(zone: Tz, day: NaiveDate, minute: i16) -> Vec<DateTime<Utc>> {
    let Some(wall) = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(minute.into())) else {
        return Vec::new();
    };
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(time) => vec![time.to_utc()],
        LocalResult::Ambiguous(one, other) => vec![one.to_utc(), other.to_utc()],
        LocalResult::None => {
            GapInfo::new(&wall, &zone).and_then(|gap| gap.end).map(|end| end.to_utc()).into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests;
