//! The slots of a site's hours.
//!
//! Windows are by the clock on the wall, and slots are in elapsed time: where clocks are put forward, a slot that would begin or end
//! at a time that does not exist, or that would be shortened, is left out; of an hour that exists twice the first pass counts.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use shared::invalid::Invalid;

use super::storage::judge_fees;
use crate::appointments::model::{AppointmentKind, MOST_CLOSED_DAYS, MOST_WINDOWS, SiteHours, Window};

/// From a moment to before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// The hours of a site for one kind of appointment. Both kinds have the same clock and closed days.
#[derive(Clone, Copy, Debug)]
pub struct Hours<'a> {
    zone: Tz,
    closed_days: &'a [NaiveDate],
    slot_minutes: i16,
    capacity: i16,
    windows: &'a [Window],
}

impl<'a> Hours<'a> {
    /// When goods are collected at a site.
    #[must_use]
    pub fn collections(of: &'a SiteHours) -> Self {
        Self {
            zone: of.time_zone.tz(),
            closed_days: &of.closed_days,
            slot_minutes: of.slot_minutes,
            capacity: of.capacity,
            windows: &of.windows,
        }
    }

    /// When goods are delivered from a site, if there are slots for that.
    #[must_use]
    pub fn deliveries(of: &'a SiteHours) -> Option<Self> {
        let deliveries = of.deliveries.as_ref()?;
        Some(Self {
            slot_minutes: deliveries.slot_minutes,
            capacity: deliveries.capacity,
            windows: &deliveries.windows,
            ..Self::collections(of)
        })
    }

    #[must_use]
    pub fn of(hours: &'a SiteHours, kind: AppointmentKind) -> Option<Self> {
        match kind {
            AppointmentKind::Collection => Some(Self::collections(hours)),
            AppointmentKind::Delivery => Self::deliveries(hours),
        }
    }

    /// The day by the clock on the wall.
    #[must_use]
    pub fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }
}

/// Says what is wrong with hours, and where.
pub fn judge_hours(hours: &SiteHours) -> Result<(), Invalid> {
    if hours.closed_days.len() > MOST_CLOSED_DAYS {
        return Err(Invalid::new("/closed_days", format!("has at most {MOST_CLOSED_DAYS} days")));
    }
    if !(0..=365).contains(&hours.free_days) {
        return Err(Invalid::new("/free_days", "must lie between 0 and 365"));
    }
    judge_fees(&hours.storage_fees)?;
    judge_slots(&Hours::collections(hours), "")?;
    Hours::deliveries(hours).map_or(Ok(()), |deliveries| judge_slots(&deliveries, "/deliveries"))
}

/// Says what is wrong with the slots of a kind, which stand below `at`.
fn judge_slots(hours: &Hours<'_>, at: &str) -> Result<(), Invalid> {
    let wrong = |field: &str, message: &str| Err(Invalid::new(format!("{at}/{field}"), message));
    if hours.windows.len() > MOST_WINDOWS {
        return wrong("windows", &format!("has at most {MOST_WINDOWS} windows"));
    }
    if !(5..=480).contains(&hours.slot_minutes) {
        return wrong("slot_minutes", "must lie between 5 and 480");
    }
    if !(1..=100).contains(&hours.capacity) {
        return wrong("capacity", "must lie between 1 and 100");
    }
    for (place, window) in hours.windows.iter().enumerate() {
        let wrong = |field: &str, message: &str| wrong(&format!("windows/{place}/{field}"), message);
        if !(1..=7).contains(&window.weekday) {
            return wrong("weekday", "must lie between 1 and 7");
        }
        if window.closes <= window.opens {
            return wrong("closes", "must be after `opens`");
        }
        if hours.windows[..place].iter().any(|other| overlap(*other, *window)) {
            return wrong("opens", "the site is open then already");
        }
    }
    Ok(())
}

fn overlap(one: Window, other: Window) -> bool {
    one.weekday == other.weekday && one.opens < other.closes && other.opens < one.closes
}

/// The slots of a day by the clock on the wall, in order; none overlap.
#[must_use]
pub fn of_day(hours: &Hours<'_>, day: NaiveDate) -> Vec<Span> {
    if hours.closed_days.contains(&day) || hours.slot_minutes < 1 {
        return Vec::new();
    }
    let length = TimeDelta::minutes(hours.slot_minutes.into());
    let mut windows: Vec<&Window> = hours.windows.iter().filter(|window| is_on(**window, day)).collect();
    windows.sort_unstable_by_key(|window| window.opens);
    let mut slots = Vec::new();
    for window in windows {
        let (mut minute, closes) = (window.opens.minute(), window.closes.minute());
        while minute + hours.slot_minutes <= closes {
            let at = |minute| instant(hours.zone, day, minute);
            if let Some((starts_at, next)) = at(minute).zip(at(minute + hours.slot_minutes))
                && next - starts_at >= length
            {
                slots.push(Span { starts_at, ends_at: starts_at + length });
            }
            minute += hours.slot_minutes;
        }
    }
    slots
}

fn is_on(window: Window, day: NaiveDate) -> bool {
    u32::try_from(window.weekday).is_ok_and(|weekday| weekday == day.weekday().number_from_monday())
}

/// When the clock on the wall first shows this minute of the day; `None` if it does not.
fn instant(zone: Tz, day: NaiveDate, minute: i16) -> Option<DateTime<Utc>> {
    let wall = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(minute.into()))?;
    Some(zone.from_local_datetime(&wall).earliest()?.to_utc())
}

/// The slot that begins at this moment.
#[must_use]
pub fn starting(hours: &Hours<'_>, starts_at: DateTime<Utc>) -> Option<Span> {
    of_day(hours, hours.day(starts_at)).into_iter().find(|slot| slot.starts_at == starts_at)
}

/// The slots from one day to another that begin after `now` and have room beside what is booked, with how many appointments they have
/// room for.
#[must_use]
pub fn free(
    hours: &Hours<'_>,
    (first, last): (NaiveDate, NaiveDate),
    booked: &[Span],
    now: DateTime<Utc>,
) -> Vec<(Span, i64)> {
    let sorted = |of: fn(&Span) -> DateTime<Utc>| {
        let mut times: Vec<_> = booked.iter().map(of).collect();
        times.sort_unstable();
        times
    };
    let (starts, ends) = (sorted(|span| span.starts_at), sorted(|span| span.ends_at));
    let before = |times: &[DateTime<Utc>], until: DateTime<Utc>, inclusive: bool| {
        let count = times.partition_point(|at| *at < until || (inclusive && *at == until));
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let days = first.iter_days().take_while(|day| *day <= last);
    let slots = days.flat_map(|day| of_day(hours, day)).filter(|slot| slot.starts_at > now);
    let with_room = slots.map(|slot| {
        // What has begun before its end, less what has ended before its beginning.
        let at_once = before(&starts, slot.ends_at, false) - before(&ends, slot.starts_at, true);
        (slot, i64::from(hours.capacity) - at_once)
    });
    with_room.filter(|(_, room)| *room > 0).collect()
}

#[cfg(test)]
mod tests;
