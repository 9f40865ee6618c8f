//! Numbers, amounts, days and times as people of a locale write them, by the data of the Unicode CLDR.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use chrono_tz::Tz;
use icu_calendar::Gregorian;
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::{YMD, YMDE, YMDET};
use icu_datetime::input::{Date, DateTime as LocalTime, Time};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale as UnicodeLocale;
use market::hires::rules::stretches;
use market::identity::Locale;
use shared::money::Money;
use shared::text::without_links;

/// English as it is written in Europe: bare `en` would be that of the United States.
const EUROPEAN: &str = "en-150";

/// Why a locale cannot be written in: the program has no data of it.
#[derive(Debug, thiserror::Error)]
#[error("nothing can be written in the locale: {0}")]
pub struct UnknownLocale(String);

impl UnknownLocale {
    fn because(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

/// How a locale writes things.
#[derive(Debug)]
pub(super) struct Formats {
    number: DecimalFormatter,
    day: FixedCalendarDateTimeFormatter<Gregorian, YMD>,
    moment: FixedCalendarDateTimeFormatter<Gregorian, YMDET>,
}

thread_local! {
    /// Those of the locales that a thread has met: to find a locale's data costs more than to write a mail with it, and they cannot be
    /// shared among threads. There are as many as [`market::identity::LOCALES`].
    static KNOWN: RefCell<HashMap<Locale, Rc<Formats>>> = RefCell::default();
}

impl Formats {
    pub(super) fn of(locale: &Locale) -> Result<Rc<Self>, UnknownLocale> {
        KNOWN.with_borrow_mut(|known| {
            if let Some(formats) = known.get(locale) {
                return Ok(Rc::clone(formats));
            }
            let formats = Rc::new(Self::new(locale)?);
            known.insert(locale.clone(), Rc::clone(&formats));
            Ok(formats)
        })
    }

    fn new(locale: &Locale) -> Result<Self, UnknownLocale> {
        let name = if locale.as_str() == "en" { EUROPEAN } else { locale.as_str() };
        let locale: UnicodeLocale = name.parse().map_err(UnknownLocale::because)?;
        let (number, date) = ((&locale).into(), (&locale).into());
        let of_moments = YMDE::long().with_time_hm();
        Ok(Self {
            number: DecimalFormatter::try_new(number, DecimalFormatterOptions::default())
                .map_err(UnknownLocale::because)?,
            day: FixedCalendarDateTimeFormatter::try_new(date, YMD::long()).map_err(UnknownLocale::because)?,
            moment: FixedCalendarDateTimeFormatter::try_new(date, of_moments).map_err(UnknownLocale::because)?,
        })
    }

    /// `12,345`, `12.345`
    pub(super) fn number(&self, number: i64) -> String {
        self.number.format(&Decimal::from(number)).to_string()
    }

    /// `12,345.50 EUR`, `12.345,50 EUR`: with the digits of its currency and its code, which no two currencies share.
    pub(super) fn money(&self, amount: Money) -> String {
        let plain = amount.amount();
        let written = plain.parse::<Decimal>().map(|number| self.number.format(&number).to_string());
        format!("{} {}", written.unwrap_or(plain), amount.currency())
    }

    /// `20 November 2026`, `20. November 2026`
    pub(super) fn day(&self, day: NaiveDate) -> String {
        gregorian(day).map_or_else(|| day.to_string(), |day| self.day.format(&day).to_string())
    }

    /// `20–22 November 2026; 30 November 2026`: days in order, those that follow each other as one stretch.
    pub(super) fn days(&self, days: &[NaiveDate]) -> String {
        let written: Vec<_> = stretches(days).into_iter().map(|(first, last)| self.stretch(first, last)).collect();
        written.join("; ")
    }

    /// What both days share, their month and year, is written once. The CLDR has patterns for that, which `icu_datetime` does not promise
    /// to keep yet.
    fn stretch(&self, first: NaiveDate, last: NaiveDate) -> String {
        let (from, to) = (self.day(first), self.day(last));
        if first == last {
            return from;
        }
        let (from, to): (Vec<&str>, Vec<&str>) = (from.split(' ').collect(), to.split(' ').collect());
        let same_year = first.year() == last.year();
        let same_month = same_year && first.month() == last.month();
        let shared = |(one, other): &(&&str, &&str)| one == other;
        // The same number in two months is another day.
        let most = if same_month { usize::MAX } else { usize::from(same_year) };
        let before = if same_month { from.iter().zip(&to).take_while(shared).count() } else { 0 };
        let (before, from, to) = (&from[..before], &from[before..], &to[before..]);
        let after = from.iter().rev().zip(to.iter().rev()).take(most).take_while(shared).count();
        let from = from[..from.len() - after].join(" ");
        let stretch = [from.trim_end_matches(','), &to.join(" ")].join(if same_month { "–" } else { " – " });
        before.iter().copied().chain([stretch.as_str()]).collect::<Vec<_>>().join(" ")
    }

    /// `Friday, 20 November 2026 at 18:00 (Europe/Berlin)`
    pub(super) fn time(&self, at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone).naive_local();
        let (hour, minute) = (local.hour().try_into().ok(), local.minute().try_into().ok());
        let time = hour.zip(minute).and_then(|(hour, minute)| Time::try_new(hour, minute, 0, 0).ok());
        let written = gregorian(local.date()).zip(time).map(|(date, time)| {
            let local = LocalTime { date, time };
            self.moment.format(&local).to_string()
        });
        format!("{} ({zone})", written.unwrap_or_else(|| local.format("%Y-%m-%d %H:%M").to_string()))
    }
}

fn gregorian(day: NaiveDate) -> Option<Date<Gregorian>> {
    let (month, of_month) = (day.month().try_into().ok()?, day.day().try_into().ok()?);
    Date::try_new_gregorian(day.year(), month, of_month).ok()
}

/// This amount as a mail has it; empty where nothing can be written in the locale.
pub(crate) fn amount_in(locale: &Locale, amount: Money) -> String {
    Formats::of(locale).map(|formats| formats.money(amount)).unwrap_or_default()
}

/// These days as a mail has them; empty where nothing can be written in the locale.
pub(crate) fn days_in(locale: &Locale, days: &[NaiveDate]) -> String {
    Formats::of(locale).map(|formats| formats.days(days)).unwrap_or_default()
}

/// One line without control or hidden characters, in which no mail program finds a link: nothing that somebody typed can break a
/// subject, forge a line of text or lead elsewhere from one of our mails.
pub(super) fn one_line(text: &str) -> String {
    without_links(text)
        .split(|it: char| it.is_control() || it.is_whitespace())
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
