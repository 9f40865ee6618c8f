//! When quiet hours end. They are what the clock on the wall says, so that a change of the clock makes them an hour shorter or longer.

use chrono::offset::LocalResult;
use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
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
    let day = if minute < to { wall.date() } else { wall.date().checked_add_days(Days::new(1))? };
    let end = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(to.into()))?;
    first_after(zone, end, now)
}

/// When the clock on the wall shows this next after `now`, or is put forward past it. In a repeated hour that is the second time, if the
/// first one is over.
fn first_after(zone: Tz, wall: NaiveDateTime, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(time) => Some(time.to_utc()),
        LocalResult::Ambiguous(one, other) => {
            let mut times = [one.to_utc(), other.to_utc()];
            times.sort_unstable();
            times.into_iter().find(|time| *time > now)
        }
        LocalResult::None => GapInfo::new(&wall, &zone)?.end.map(|end| end.to_utc()),
    }
}

#[cfg(test)]
mod tests;
