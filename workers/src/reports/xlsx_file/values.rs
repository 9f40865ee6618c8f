//! Cells as typed values of a sheet.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, SecondsFormat, Timelike as _};
use chrono_tz::Tz;
use market::reports::table::{Cell, Decimal};
use rust_xlsxwriter::{ColNum, ExcelDateTime, Format, FormatAlign, RowNum, Worksheet};
use shared::money::{Currency, Money};

use super::names;
use crate::reports::wording::Words;

/// The most characters of a cell, counted in UTF-16.
const MAX_TEXT: usize = 32_767;
/// At the end of a text that was cut.
const MARK: &str = "… (cut)";
/// Numbers are doubles: they print as the same decimal up to 15 digits. What has more is written as text, so that no figure changes.
const EXACT: u64 = 1_000_000_000_000_000;

/// The formats of a workbook, each made once.
#[derive(Debug)]
pub(super) struct Formats {
    heading: Format,
    integer: Format,
    day: Format,
    time: Format,
    percent: Format,
    money: BTreeMap<Currency, Format>,
    decimal: BTreeMap<u8, Format>,
}

impl Formats {
    /// Days and times as these words have them. The separators of numbers are those of whoever opens the workbook.
    pub(super) fn of(words: &Words) -> Self {
        let of = |code: &str| Format::new().set_num_format(code);
        Self {
            heading: Format::new().set_bold().set_background_color("E8EEEA"),
            integer: of("#,##0"),
            day: of(words.sheet_day).set_align(FormatAlign::Left),
            time: of(words.sheet_time).set_align(FormatAlign::Left),
            percent: of("0.00%"),
            money: BTreeMap::new(),
            decimal: BTreeMap::new(),
        }
    }

    pub(super) const fn heading(&self) -> &Format {
        &self.heading
    }

    /// Writes a cell. Texts are typed as such, so that a formula in them is text.
    pub(super) fn write(
        &mut self,
        sheet: &mut Worksheet,
        row: RowNum,
        column: ColNum,
        cell: &Cell,
        zone: Tz,
    ) -> anyhow::Result<()> {
        match cell {
            Cell::Empty => {}
            Cell::Text(text) => {
                sheet.write_string(row, column, cut(text))?;
            }
            Cell::Currency(currency) => {
                sheet.write_string(row, column, currency.code())?;
            }
            Cell::Id(id) => {
                sheet.write_string(row, column, id.to_string())?;
            }
            Cell::Integer(number) => {
                let number = Decimal { digits: *number, places: 0 };
                write_number(sheet, row, column, number, &self.integer)?;
            }
            Cell::Money(money) | Cell::Rounded(money, _) => self.write_money(sheet, row, column, *money)?,
            Cell::Decimal(number) => {
                let format = self.decimal.entry(number.places).or_insert_with(|| decimal(number.places, ""));
                write_number(sheet, row, column, *number, format)?;
            }
            // A share: 12.34 % is 0.1234.
            Cell::Percent(number) => {
                let share = Decimal { places: number.places + 2, ..*number };
                write_number(sheet, row, column, share, &self.percent)?;
            }
            Cell::Day(day) => match of_day(*day)? {
                Some(date) => {
                    sheet.write_datetime_with_format(row, column, &date, &self.day)?;
                }
                None => {
                    sheet.write_string(row, column, day.to_string())?;
                }
            },
            Cell::Time(at) => {
                let local = at.with_timezone(&zone);
                match of_time(local.naive_local())? {
                    Some(time) => sheet.write_datetime_with_format(row, column, &time, &self.time)?,
                    None => sheet.write_string(row, column, local.to_rfc3339_opts(SecondsFormat::Secs, false))?,
                };
            }
        }
        Ok(())
    }

    /// Writes an amount with the fraction digits of its currency, and its code.
    pub(super) fn write_money(
        &mut self,
        sheet: &mut Worksheet,
        row: RowNum,
        column: ColNum,
        money: Money,
    ) -> anyhow::Result<()> {
        let currency = money.currency();
        let code = format!("\\ [${}]", currency.code());
        let format = self.money.entry(currency).or_insert_with(|| decimal(currency.exponent(), &code));
        write_number(sheet, row, column, Decimal { digits: money.minor(), places: currency.exponent() }, format)
    }
}

/// The format of numbers with this many digits after the point.
fn decimal(places: u8, after: &str) -> Format {
    let fraction = if places == 0 { String::new() } else { format!(".{}", "0".repeat(places.into())) };
    Format::new().set_num_format(format!("#,##0{fraction}{after}"))
}

fn write_number(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    number: Decimal,
    format: &Format,
) -> anyhow::Result<()> {
    if number.digits.unsigned_abs() < EXACT {
        let double: f64 = number.text().parse().context("a decimal is a number")?;
        sheet.write_number_with_format(row, column, double, format)?;
    } else {
        sheet.write_string(row, column, number.text())?;
    }
    Ok(())
}

/// The text, cut with a mark where it is longer than a cell can be.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    // A character has at most as many units as bytes.
    if text.len() <= MAX_TEXT || text.encode_utf16().count() <= MAX_TEXT {
        return Cow::Borrowed(text);
    }
    let kept = names::cut(text, MAX_TEXT - MARK.encode_utf16().count());
    Cow::Owned(format!("{kept}{MARK}"))
}

/// `None`: there are no such dates in a sheet, whose calendar begins with 1900.
fn of_day(day: NaiveDate) -> anyhow::Result<Option<ExcelDateTime>> {
    if !(1900..=9999).contains(&day.year()) {
        return Ok(None);
    }
    let date = ExcelDateTime::from_ymd(day.year().try_into()?, day.month().try_into()?, day.day().try_into()?)?;
    Ok(Some(date))
}

fn of_time(at: NaiveDateTime) -> anyhow::Result<Option<ExcelDateTime>> {
    let Some(date) = of_day(at.date())? else { return Ok(None) };
    let time = date.and_hms(at.hour().try_into()?, at.minute().try_into()?, at.second())?;
    Ok(Some(time))
}
