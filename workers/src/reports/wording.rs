//! The words and the numbers of a report in the language of its reader.
//!
//! Workbooks and papers, which people read, are in their language. CSV and JSON, which programs read, are the same for everybody.
//! Definitions call things in English; [`german`] has the German forms, and what only the files say is in [`Words`], where a language
//! that lacks a word does not compile.
//!
//! How to get this wrong: translate what a cell says (statuses and kinds are names that the API has too); write a day with its month in
//! a place that the reader does not expect: English days are as ISO 8601 has them, because 04/05 is read in two ways.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use market::identity::Locale;
use market::reports::model::{Grouping, Kind};
use market::reports::table::Column;
use papers::document::{self, Digits};
use shared::money::{Currency, Money};

use super::german::german;
use crate::emails::{Language, amount_in};

/// What the files say besides what the definitions do. `{}` is what a word is about.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) organisation: &'static str,
    pub(super) period: &'static str,
    pub(super) days: &'static str,
    pub(super) zone: &'static str,
    pub(super) grouped_by: &'static str,
    pub(super) amounts_in: &'static str,
    pub(super) total: &'static str,
    pub(super) totals: &'static str,
    pub(super) column: &'static str,
    pub(super) rows: &'static str,
    pub(super) one_row: &'static str,
    pub(super) so_many_rows: &'static str,
    pub(super) amount: &'static str,
    pub(super) currency: &'static str,
    pub(super) report: &'static str,
    pub(super) charts: &'static str,
    pub(super) cut: &'static str,
    pub(super) points: &'static str,
    pub(super) extremes: &'static str,
    page: &'static str,
    left_out: &'static str,
    no_values: &'static str,
    /// How a day and a time are written, for a paper and for a sheet.
    day: &'static str,
    time: &'static str,
    pub(super) sheet_day: &'static str,
    pub(super) sheet_time: &'static str,
}

const ENGLISH: Words = Words {
    title: "{} report",
    organisation: "Organisation",
    period: "Period",
    days: "{first} to {last} (both inclusive)",
    zone: "Time zone",
    grouped_by: "Grouped by",
    amounts_in: "Amounts in",
    total: "Total",
    totals: "Totals",
    column: "Column",
    rows: "Rows",
    one_row: "1 row",
    so_many_rows: "{} rows",
    amount: "Amount",
    currency: "Currency",
    report: "Report",
    charts: "Charts",
    cut: "… (cut)",
    points: "{title}: {count} points from {first} to {last}.",
    extremes: " {name}: lowest {low} ({low_at}), highest {high} ({high_at}).",
    page: "Page {page} of {pages}",
    left_out: "The first {shown} of {rows} rows; all are in the CSV.",
    no_values: "No values in this period",
    day: "%Y-%m-%d",
    time: "%Y-%m-%d %H:%M:%S %:z",
    sheet_day: "yyyy-mm-dd",
    sheet_time: "yyyy-mm-dd hh:mm:ss",
};

const GERMAN: Words = Words {
    title: "Bericht {}",
    organisation: "Unternehmen",
    period: "Zeitraum",
    days: "{first} bis {last} (beide einschließlich)",
    zone: "Zeitzone",
    grouped_by: "Gruppiert nach",
    amounts_in: "Beträge in",
    total: "Summe",
    totals: "Summen",
    column: "Spalte",
    rows: "Zeilen",
    one_row: "1 Zeile",
    so_many_rows: "{} Zeilen",
    amount: "Betrag",
    currency: "Währung",
    report: "Bericht",
    charts: "Diagramme",
    cut: "… (gekürzt)",
    points: "{title}: {count} Punkte von {first} bis {last}.",
    extremes: " {name}: niedrigster Wert {low} ({low_at}), höchster {high} ({high_at}).",
    page: "Seite {page} von {pages}",
    left_out: "Die ersten {shown} von {rows} Zeilen; alle stehen in der CSV-Datei.",
    no_values: "Keine Werte in diesem Zeitraum",
    day: "%d.%m.%Y",
    time: "%d.%m.%Y %H:%M:%S %:z",
    sheet_day: "dd.mm.yyyy",
    sheet_time: "dd.mm.yyyy hh:mm:ss",
};

/// How the people read for whom a report is written.
#[derive(Clone, Debug)]
pub(super) struct Wording {
    language: Language,
    pub(super) digits: Digits,
}

impl Wording {
    pub(super) fn of(locale: &Locale) -> Self {
        Self { language: Language::of(locale), digits: digits(locale) }
    }

    pub(super) const fn code(&self) -> &'static str {
        self.language.code()
    }

    pub(super) const fn words(&self) -> &'static Words {
        match self.language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }

    /// A title of a definition.
    pub(super) fn say(&self, english: &'static str) -> &'static str {
        match self.language {
            Language::English => english,
            Language::German => german(english).unwrap_or(english),
        }
    }

    /// The title of a report of this kind.
    pub(super) fn title(&self, kind: Kind) -> String {
        self.words().title.replace("{}", self.say(kind.definition().title))
    }

    pub(super) fn heading(&self, column: &Column, zone: Tz) -> Cow<'static, str> {
        Column { title: self.say(column.title), ..*column }.heading(zone)
    }

    pub(super) fn day(&self, day: NaiveDate) -> String {
        day.format(self.words().day).to_string()
    }

    /// With its offset, which tells the two hours apart that a clock shows in autumn.
    pub(super) fn time(&self, at: DateTime<Utc>, zone: Tz) -> String {
        at.with_timezone(&zone).format(self.words().time).to_string()
    }

    pub(super) fn rows(&self, rows: i64) -> String {
        if rows == 1 {
            return self.words().one_row.to_owned();
        }
        self.words().so_many_rows.replace("{}", &self.digits.show(&rows.to_string()))
    }

    pub(super) const fn grouping(&self, grouping: Grouping) -> &'static str {
        match (self.language, grouping) {
            (Language::English, grouping) => grouping.name(),
            (Language::German, Grouping::None) => "nichts",
            (Language::German, Grouping::Day) => "Tag",
            (Language::German, Grouping::Week) => "Woche",
            (Language::German, Grouping::Month) => "Monat",
            (Language::German, Grouping::Category) => "Kategorie",
            (Language::German, Grouping::Region) => "Region",
            (Language::German, Grouping::Buyer) => "Käufer",
            (Language::German, Grouping::Seller) => "Verkäufer",
            (Language::German, Grouping::Currency) => "Währung",
        }
    }

    /// What a paper says by itself.
    pub(super) fn of_paper(&self) -> document::Words {
        let words = self.words();
        document::Words {
            page: words.page.to_owned(),
            left_out: words.left_out.to_owned(),
            no_values: words.no_values.to_owned(),
            digits: self.digits.clone(),
        }
    }
}

/// The separators that mails have in this locale.
fn digits(locale: &Locale) -> Digits {
    let shown = amount_in(locale, Money::from_minor(123_456_789, Currency::EUR));
    let between = |one: char, other: char| {
        let (_, rest) = shown.split_once(one)?;
        Some(rest.split_once(other)?.0.to_owned())
    };
    match (between('1', '2'), between('7', '8')) {
        (Some(group), Some(point)) => Digits { group, point },
        _ => Digits::default(),
    }
}
