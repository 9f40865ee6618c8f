//! From wall-clock patterns to instants: the DST rule of `docs/decisions/0004-dst-rule.md`.
//!
//! - A pattern of **fixed times** (its hours field leaves out an hour) fires once per named wall-clock time. One that does not
//!   exist, because clocks jumped over it, fires at the first instant after the jump; one that exists twice fires at its
//!   first occurrence.
//! - A pattern of **every hour** (`0 */15 * * * *`) follows elapsed time: it fires at every instant whose wall clock it names,
//!   so in both passes through a repeated hour, and it makes nothing up for an hour that was jumped over.
//! - An **interval** (`@every 15m`) knows no wall clock.
//!
//! Proven by the tests beside this file: strictly increasing, nothing twice, every fire time named by the pattern or right
//! after a jump, for every zone.

use std::collections::VecDeque;

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

use super::expression::{Expression, ExpressionKind, WallPattern, next_multiple};

/// The most times that [`Timetable::due`] returns.
pub const MAX_DUE: usize = 1_000;

/// Expressions know the years 1970 to 2100. Times outside are cut to these, far from where arithmetic overflows.
const FIRST: DateTime<Utc> = at(-7 * 86_400);
const LAST: DateTime<Utc> = at(4_133_980_800);

const fn at(seconds: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp(seconds, 0) {
        Some(time) => time,
        None => DateTime::UNIX_EPOCH,
    }
}

/// No two changes of a zone's offset cancel each other within this time.
const STEP: TimeDelta = TimeDelta::hours(6);
/// More than any offset, and any jump, of any zone.
const MARGIN: TimeDelta = TimeDelta::hours(72);

/// When a schedule fires.
#[derive(Clone, Debug)]
pub struct Timetable {
    expression: Expression,
    zone: Tz,
}

impl Timetable {
    pub fn new(expression: Expression, zone: Tz) -> Self {
        Self { expression, zone }
    }

    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The time between fire times that know no calendar.
    pub fn interval(&self) -> Option<TimeDelta> {
        match self.expression.kind {
            ExpressionKind::Interval(interval) => Some(interval),
            ExpressionKind::Wall(_) => None,
        }
    }

    /// The first fire time later than `after`, in whole seconds. `None` when the pattern has none left (years end at 2100).
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = after.max(FIRST);
        if after >= LAST {
            return None;
        }
        match &self.expression.kind {
            ExpressionKind::Interval(interval) => next_multiple(*interval, after),
            ExpressionKind::Wall(pattern) if pattern.every_hour => self.next_elapsed(pattern, after),
            ExpressionKind::Wall(pattern) => self.next_fixed(pattern, after),
        }
    }

    /// The fire times later than `after`, in order, without end unless the pattern has one.
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next_after(after), |&last| self.next_after(last))
    }

    /// The fire times in (`last`, `now`], in order; of more than [`MAX_DUE`], the newest.
    pub fn due(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        self.newest_due(last, now, MAX_DUE)
    }

    /// The newest `most` fire times in (`last`, `now`], in order.
    pub fn newest_due(&self, last: DateTime<Utc>, now: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let (last, now) = (last.max(FIRST), now.min(LAST));
        if most == 0 || last >= now {
            return Vec::new();
        }
        // Looks back over twice the time again and again until it finds enough: after a month's outage, a schedule of
        // every second costs a thousand steps and not two million.
        let mut back = TimeDelta::minutes(1);
        loop {
            let from = last.max(now - back);
            let mut found = VecDeque::new();
            for time in self.upcoming(from).take_while(|time| *time <= now) {
                if found.len() == most {
                    found.pop_front();
                }
                found.push_back(time);
            }
            if found.len() == most || from == last {
                return found.into();
            }
            back = back * 2;
        }
    }

    /// The wall clock of the zone.
    fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        self.zone.from_utc_datetime(&at.naive_utc()).naive_local()
    }

    /// East of UTC.
    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc());
        TimeDelta::seconds(i64::from(offset.fix().local_minus_utc()))
    }

    /// Each named wall-clock time once. Wall-clock times and the instants that they are given run in the same order, so
    /// the first that lies after `after` is the next one.
    fn next_fixed(&self, pattern: &WallPattern, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut wall = self.wall(after);
        loop {
            wall = pattern.after(wall)?;
            // Within the second pass through a repeated hour, named times have fired already in the first pass.
            if let Some(instant) = self.first_instant(wall)
                && instant > after
            {
                return Some(instant);
            }
        }
    }

    /// When a wall-clock time is first reached or jumped over.
    fn first_instant(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(time) => Some(time.to_utc()),
            LocalResult::Ambiguous(one, other) => Some(one.to_utc().min(other.to_utc())),
            LocalResult::None => GapInfo::new(&wall, &self.zone)?.end.map(|end| end.to_utc()),
        }
    }

    /// Every instant whose wall clock the pattern names. Between two changes of the offset, wall clock and elapsed time run
    /// alike; at a change the search starts again with the new offset.
    fn next_elapsed(&self, pattern: &WallPattern, mut after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        loop {
            let offset = self.offset(after);
            let candidate = pattern.after(after.naive_utc() + offset)?.and_utc() - offset;
            let near = candidate - after <= MARGIN * 2;
            let horizon = if near { candidate } else { after + MARGIN };
            if let Some(change) = self.change(after, horizon) {
                if pattern.names(self.wall(change)) {
                    return Some(change);
                }
                after = change;
            } else if near {
                return Some(candidate);
            } else {
                // Nothing fires on the way there: only a change just after `after` could bring back named wall-clock
                // times, and there is none.
                after = candidate - MARGIN;
            }
        }
    }

    /// The first instant in (`from`, `to`] at which the offset is no longer that of `from`, in whole seconds.
    fn change(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let offset = self.offset(from);
        let mut before = from;
        while before < to {
            let probe = (before + STEP).min(to);
            if self.offset(probe) != offset {
                let (mut old, mut new) = (before.timestamp(), probe.timestamp());
                while new - old > 1 {
                    let middle = old + (new - old) / 2;
                    let at = DateTime::from_timestamp(middle, 0)?;
                    if self.offset(at) == offset { old = middle } else { new = middle }
                }
                return DateTime::from_timestamp(new, 0);
            }
            before = probe;
        }
        None
    }
}

#[cfg(test)]
mod tests;
