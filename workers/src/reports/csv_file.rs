//! A report as CSV (RFC 4180, UTF-8): each section has a header line, its rows and a line with the sums of each currency. Where there
//! are several, each begins with a line that has its title, after an empty one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context as _;
use chrono::SecondsFormat;
use chrono_tz::Tz;
use market::reports::table::{Cell, Column, Section, Shape, Sum};
use shared::money::Currency;
use tokio_util::sync::CancellationToken;

use super::writer::{Head, ReportFile};

pub(super) struct CsvFile {
    out: BufWriter<File>,
    zone: Tz,
    titled: bool,
    begun: bool,
}

impl CsvFile {
    pub(super) fn new(file: File, head: &Head) -> Self {
        Self { out: BufWriter::new(file), zone: head.period.zone(), titled: head.sections.len() > 1, begun: false }
    }
}

/// Lines are short, and what they are written to is buffered.
const LINE: usize = 512;

/// Writes a line.
pub(crate) fn line<'a>(out: &mut impl Write, cells: impl Iterator<Item = Cow<'a, str>>) -> anyhow::Result<()> {
    let mut csv = csv::WriterBuilder::new().buffer_capacity(LINE).from_writer(out);
    for cell in cells {
        csv.write_field(cell.as_bytes()).context("write a CSV cell")?;
    }
    csv.write_record(None::<&[u8]>).context("end a CSV line")?;
    csv.flush().context("write a CSV line")
}

impl ReportFile for CsvFile {
    fn begin(&mut self, section: &Section) -> anyhow::Result<()> {
        if self.begun {
            self.out.write_all(b"\n").context("write the CSV file")?;
        }
        self.begun = true;
        if self.titled {
            line(&mut self.out, std::iter::once(section.title.into()))?;
        }
        let zone = self.zone;
        line(&mut self.out, section.columns.iter().map(|column| column.heading(zone)))
    }

    fn row(&mut self, row: &[Cell]) -> anyhow::Result<()> {
        let zone = self.zone;
        line(&mut self.out, row.iter().map(|cell| text(cell, zone)))
    }

    fn end(&mut self, section: &Section, sums: &[Sum]) -> anyhow::Result<()> {
        let mut currencies: BTreeMap<Currency, Vec<&Sum>> = BTreeMap::new();
        for sum in sums {
            currencies.entry(sum.amount.currency()).or_default().push(sum);
        }
        for (currency, sums) in currencies {
            let cell = |(place, column): (usize, &Column)| -> Cow<'static, str> {
                let sum = sums.iter().find(|sum| sum.column == column.name);
                match (sum, column.shape) {
                    (Some(sum), _) => sum.amount.amount().into(),
                    (None, Shape::Currency) => currency.code().into(),
                    (None, _) if place == 0 => "Total".into(),
                    (None, _) => "".into(),
                }
            };
            line(&mut self.out, section.columns.iter().enumerate().map(cell))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &CancellationToken) -> anyhow::Result<()> {
        self.out.flush().context("write the CSV file")
    }
}

/// A cell as text. What people typed is made safe; numbers are plain, and may begin with a minus.
fn text(cell: &Cell, zone: Tz) -> Cow<'_, str> {
    match cell {
        Cell::Empty => "".into(),
        Cell::Text(text) => safe(text),
        Cell::Integer(number) => number.to_string().into(),
        Cell::Money(money) | Cell::Rounded(money, _) => money.amount().into(),
        Cell::Currency(currency) => currency.code().into(),
        Cell::Decimal(number) | Cell::Percent(number) => number.text().into(),
        Cell::Day(day) => day.to_string().into(),
        Cell::Time(at) => at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false).into(),
        Cell::Id(id) => id.to_string().into(),
    }
}

/// The text, made safe from being run by a spreadsheet program: a cell that begins like a formula
/// gets a leading apostrophe (OWASP, "CSV injection").
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
