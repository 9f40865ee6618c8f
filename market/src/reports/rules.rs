//! Days in a time zone as half-open spans of time, and what a kind of report can be asked.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use shared::money::Money;
use utoipa::ToSchema;

use super::model::{Kind, Parameters};

/// The longest period of one report: ten years.
pub const MAX_DAYS: i64 = 3_653;

/// When a day has begun for the schedule of weekly and monthly reports: at six in the morning.
const MORNING_HOURS: i64 = 6;

/// Whole days in a time zone, the first and the last inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    first_day: NaiveDate,
    last_day: NaiveDate,
    zone: Tz,
}

/// Why two days do not make a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("the first day is after the last")]
    Reversed,
    #[error("a report covers {MAX_DAYS} days at most")]
    TooLong,
    #[error("the days lie outside the calendar")]
    OutOfRange,
    /// A zone that crosses the date line skips a day, as Pacific/Apia skipped 2011-12-30.
    #[error("the days never were in this time zone")]
    NeverWas,
}

impl Period {
    pub fn new(first_day: NaiveDate, last_day: NaiveDate, zone: Tz) -> Result<Self, PeriodError> {
        let days = last_day.signed_duration_since(first_day).num_days() + 1;
        if days < 1 {
            return Err(PeriodError::Reversed);
        }
        if days > MAX_DAYS {
            return Err(PeriodError::TooLong);
        }
        let period = Self { first_day, last_day, zone };
        let (starts_at, ends_at) = period.bounds().ok_or(PeriodError::OutOfRange)?;
        if starts_at < ends_at { Ok(period) } else { Err(PeriodError::NeverWas) }
    }

    /// The last whole day that has ended in `zone` at `now`.
    pub fn day_before(now: DateTime<Utc>, zone: Tz) -> Result<Self, PeriodError> {
        let today = now.with_timezone(&zone).date_naive();
        let day = today.pred_opt().ok_or(PeriodError::OutOfRange)?;
        Self::new(day, day, zone)
    }

    /// Whether it begins with a month and ends with one.
    pub fn is_whole_months(&self) -> bool {
        self.first_day.day() == 1 && self.last_day.succ_opt().is_none_or(|next| next.day() == 1)
    }

    pub const fn first_day(&self) -> NaiveDate {
        self.first_day
    }

    pub const fn last_day(&self) -> NaiveDate {
        self.last_day
    }

    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// From the start of the first day (inclusive) to the start of the day after the last (exclusive).
    ///
    /// Neighbouring periods share no instant and leave none out, even where a clock change makes a
    /// day longer or shorter.
    fn bounds(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let after = self.last_day.checked_add_days(Days::new(1))?;
        Some((start_of_day(self.first_day, self.zone)?, start_of_day(after, self.zone)?))
    }

    pub fn starts_at(&self) -> DateTime<Utc> {
        self.bounds().map(|it| it.0).unwrap_or_default()
    }

    pub fn ends_at(&self) -> DateTime<Utc> {
        self.bounds().map(|it| it.1).unwrap_or_default()
    }
}

/// How often a report is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ReportCadence)]
pub enum Cadence {
    /// After midnight.
    Daily,
    /// From Monday to Sunday, on Monday at six.
    Weekly,
    /// On the first at six.
    Monthly,
}

impl Cadence {
    /// The last whole period whose report is due in `zone` at `now`.
    pub fn due(self, now: DateTime<Utc>, zone: Tz) -> Result<Period, PeriodError> {
        // By the clock on the wall: six is six, however long the night was.
        let morning = now.with_timezone(&zone).naive_local() - TimeDelta::hours(MORNING_HOURS);
        let today = morning.date();
        let before = |day: NaiveDate| day.pred_opt().ok_or(PeriodError::OutOfRange);
        match self {
            Self::Daily => Period::day_before(now, zone),
            Self::Weekly => {
                let last = before(today - TimeDelta::days(today.weekday().num_days_from_monday().into()))?;
                Period::new(last - TimeDelta::days(6), last, zone)
            }
            Self::Monthly => {
                let month = today.with_day(1).ok_or(PeriodError::OutOfRange)?;
                let first = month.checked_sub_months(Months::new(1)).ok_or(PeriodError::OutOfRange)?;
                Period::new(first, before(month)?, zone)
            }
        }
    }

    /// The period before this one.
    pub fn before(self, period: &Period) -> Result<Period, PeriodError> {
        let last = period.first_day.pred_opt().ok_or(PeriodError::OutOfRange)?;
        let first = match self {
            Self::Daily => Some(last),
            Self::Weekly => last.checked_sub_days(Days::new(6)),
            Self::Monthly => last.with_day(1),
        };
        Period::new(first.ok_or(PeriodError::OutOfRange)?, last, period.zone)
    }
}

/// First sums of a period that are lower than those of the period before by at least so many percent, with what they were. A currency
/// that has none any more fell to nothing.
#[must_use]
pub fn falls(before: &[Money], now: &[Money], by_percent: i16) -> Vec<Fall> {
    let falls = before.iter().map(|&before| {
        let now = now.iter().find(|now| now.currency() == before.currency());
        Fall { before, now: now.copied().unwrap_or(Money::from_minor(0, before.currency())) }
    });
    falls.filter(|fall| fall.before.minor() > 0 && fall.percent() >= i128::from(by_percent)).collect()
}

/// A sum that is lower than that of the period before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fall {
    pub before: Money,
    pub now: Money,
}

impl Fall {
    /// In whole percent of what was above zero before, rounded towards zero.
    #[must_use]
    pub fn percent(&self) -> i128 {
        let (before, now) = (i128::from(self.before.minor()), i128::from(self.now.minor()));
        ((before - now) * 100).checked_div(before).unwrap_or(0)
    }
}

/// Why a report of this kind cannot be asked for like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("a report of this kind is not grouped like this")]
    Grouping,
    #[error("a report of this kind is not filtered")]
    Currency,
    #[error("a report of this kind is not filtered")]
    Category,
    #[error("a report of this kind is not filtered")]
    Region,
    #[error("a report of this kind covers whole months, from a first to a last day")]
    PartOfMonth,
}

impl Unfit {
    /// Which field of a request says so.
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Grouping => "/parameters/group_by",
            Self::Currency => "/parameters/currency",
            Self::Category => "/parameters/category",
            Self::Region => "/parameters/region",
            Self::PartOfMonth => "/last_day",
        }
    }
}

/// Refuses what the kind's definition does not take.
pub fn judge(kind: Kind, period: &Period, parameters: &Parameters) -> Result<(), Unfit> {
    let definition = kind.definition();
    let unfiltered = !definition.filtered;
    let refusals = [
        (parameters.group_by.is_some_and(|group| !definition.groupings.contains(&group)), Unfit::Grouping),
        (unfiltered && parameters.currency.is_some(), Unfit::Currency),
        (unfiltered && parameters.category.is_some(), Unfit::Category),
        (unfiltered && parameters.region.is_some(), Unfit::Region),
        (definition.whole_months && !period.is_whole_months(), Unfit::PartOfMonth),
    ];
    refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, unfit)| Err(unfit))
}

/// The first instant of a day. Where midnight happens twice, the first; where the clocks skip it (or the whole day), the
/// first instant after the gap.
pub(crate) fn start_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    // No zone has ever skipped more than a day, and no offset has been finer than this since time
    // zones have been set by law.
    const STEP_MINUTES: i64 = 15;
    const STEPS: i64 = 26 * 60 / STEP_MINUTES;
    let midnight = day.and_time(NaiveTime::MIN);
    (0..STEPS).find_map(|step| {
        let local = midnight.checked_add_signed(TimeDelta::minutes(step * STEP_MINUTES))?;
        Some(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
    })
}

#[cfg(test)]
mod tests;
