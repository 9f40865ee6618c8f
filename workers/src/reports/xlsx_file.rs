//! A report as XLSX: a sheet about the report with its sums, the sheets of its sections, and one with its charts. The library's
//! constant-memory mode keeps one row of a section in memory, so rows are written in order and cannot be changed later.

mod charts;
mod names;
mod values;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use market::reports::table::{Cell, Column, Section, Shape, Sum};
use rust_xlsxwriter::{Format, Workbook, Worksheet};
use tokio_util::sync::CancellationToken;

use super::wording::Wording;
use super::writer::{Head, ReportFile};
use crate::wanted::WantedFile;
use charts::Charts;
use names::Names;
use values::Formats;

/// How many rows of a section a sheet holds below its titles: as many as there are in a sheet, less one.
const MAX_ROWS: u32 = 1_048_575;
/// The place of the sheet about the report.
const ABOUT: usize = 0;
/// A sheet with more columns than this is printed in landscape.
const NARROW: usize = 6;
/// The file format's number for A4 paper.
const A4: u8 = 9;

pub(super) struct XlsxFile {
    workbook: Workbook,
    path: PathBuf,
    head: Head,
    wording: Wording,
    formats: Formats,
    names: Names,
    charts: Charts,
    /// How many rows of a section go to a sheet.
    most: u32,
    /// The sheet that is being written.
    sheet: Sheet,
    /// Titles of sections, and their sums.
    sums: Vec<(&'static str, &'static str, Sum)>,
}

/// A sheet of a section.
struct Sheet {
    section: Option<Section>,
    place: usize,
    name: String,
    /// The row to write next; 0 has the titles.
    next: u32,
}

impl XlsxFile {
    /// Opens a workbook. `temp_dir` holds the rows until the file at `path` is packed.
    pub(super) fn new(path: PathBuf, temp_dir: &Path, head: Head) -> anyhow::Result<Self> {
        Self::with_sheets_of(MAX_ROWS, path, temp_dir, head)
    }

    fn with_sheets_of(most: u32, path: PathBuf, temp_dir: &Path, head: Head) -> anyhow::Result<Self> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(temp_dir).context("prepare the folder for rows")?;
        let mut names = Names::default();
        let wording = Wording::of(&head.locale);
        workbook.add_worksheet().set_name(names.unique(wording.words().report))?;
        let sheet = Sheet { section: None, place: ABOUT, name: String::new(), next: 0 };
        let (formats, charts) = (Formats::of(wording.words()), Charts::default());
        Ok(Self { workbook, path, head, wording, formats, names, charts, most, sheet, sums: Vec::new() })
    }

    /// Begins the next sheet of a section with the titles of its columns.
    fn add_sheet(&mut self, section: Section) -> anyhow::Result<()> {
        let zone = self.head.period.zone();
        let name = self.names.unique(self.wording.say(section.title));
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(&name)?;
        sheet.set_freeze_panes(1, 0)?;
        print_across(sheet);
        sheet.set_repeat_rows(0, 0)?;
        if section.columns.len() > NARROW {
            sheet.set_landscape();
        }
        for (column, about) in (0..).zip(section.columns) {
            sheet.set_column_width(column, width(about))?;
        }
        for (column, about) in (0..).zip(section.columns) {
            sheet.write_string_with_format(0, column, self.wording.heading(about, zone), self.formats.heading())?;
        }
        let place = self.sheet.place + 1;
        self.sheet = Sheet { section: Some(section), place, name, next: 1 };
        Ok(())
    }

    /// Fills the sheet about the report: what it is, and its sums.
    fn write_about(&mut self) -> anyhow::Result<()> {
        let (bold, words) = (Format::new().set_bold(), self.wording.words());
        let sheet = self.workbook.worksheet_from_index(ABOUT)?;
        print_across(sheet);
        for (column, width) in [(0, 26.0), (1, 38.0), (2, 10.0), (3, 22.0), (4, 10.0)] {
            sheet.set_column_width(column, width)?;
        }
        let title = Format::new().set_bold().set_font_size(14);
        sheet.write_string_with_format(0, 0, self.wording.title(self.head.kind), &title)?;
        let mut at = 1;
        let organisation = (words.organisation, self.head.org_name.clone());
        for (label, text) in std::iter::once(organisation).chain(self.head.facts(&self.wording)) {
            sheet.write_string_with_format(at, 0, label, &bold)?;
            sheet.write_string(at, 1, values::cut(&text))?;
            at += 1;
        }
        if self.sums.is_empty() {
            return Ok(());
        }
        at += 1;
        for (column, title) in (0..).zip([words.totals, words.column, words.rows, words.amount, words.currency]) {
            sheet.write_string_with_format(at, column, title, self.formats.heading())?;
        }
        for (section, column, sum) in &self.sums {
            at += 1;
            sheet.write_string(at, 0, *section)?;
            sheet.write_string(at, 1, *column)?;
            #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 rows")]
            sheet.write_number(at, 2, sum.rows as f64)?;
            self.formats.write_money(sheet, at, 3, sum.amount)?;
            // An amount that is too long for a number is text, without its currency.
            sheet.write_string(at, 4, sum.amount.currency().code())?;
        }
        Ok(())
    }
}

impl ReportFile for XlsxFile {
    fn begin(&mut self, section: &Section) -> anyhow::Result<()> {
        self.charts.begin();
        self.add_sheet(*section)
    }

    fn row(&mut self, row: &[Cell]) -> anyhow::Result<()> {
        if self.sheet.next > self.most {
            let section = self.sheet.section.context("rows belong to a section")?;
            self.add_sheet(section)?;
        }
        let (place, at) = (self.sheet.place, self.sheet.next);
        let sheet = self.workbook.worksheet_from_index(place)?;
        for (column, cell) in (0..).zip(row) {
            self.formats.write(sheet, at, column, cell, self.head.period.zone())?;
        }
        if self.sheet.section.is_some_and(|section| !section.charts.is_empty()) {
            self.charts.note(&self.sheet.name, at, row);
        }
        self.sheet.next += 1;
        Ok(())
    }

    fn end(&mut self, section: &Section, sums: &[Sum]) -> anyhow::Result<()> {
        self.charts.draw(section, &self.wording);
        for sum in sums {
            let column = section.place(&sum.column).and_then(|place| section.columns.get(place));
            let title = column.map_or("", |column| self.wording.say(column.title));
            self.sums.push((self.wording.say(section.title), title, sum.clone()));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, unwanted: &CancellationToken) -> anyhow::Result<()> {
        self.write_about().context("write the sheet about the report")?;
        let charts = std::mem::take(&mut self.charts);
        if charts.any() {
            let sheet = self.workbook.add_worksheet();
            sheet.set_name(self.names.unique(self.wording.words().charts))?;
            print_across(sheet);
            charts.insert(sheet)?;
        }
        let file = File::create(&self.path).context("make the report's file")?;
        self.workbook.save_to_writer(WantedFile::new(file, unwanted)).context("pack the XLSX file")
    }
}

/// Prints all columns within the width of a page, with the sheet's name and the page's number in the footer.
fn print_across(sheet: &mut Worksheet) {
    sheet.set_paper_size(A4).set_print_fit_to_pages(1, 0).set_footer("&L&A&R&P / &N");
}

/// How wide a column is, in characters.
fn width(column: &Column) -> f64 {
    match column.shape {
        Shape::Text => 32.0,
        Shape::Id => 38.0,
        Shape::Time => 28.0,
        Shape::Money | Shape::Price => 20.0,
        Shape::Integer | Shape::Currency | Shape::Decimal | Shape::Percent | Shape::Day => 14.0,
    }
}

#[cfg(test)]
mod tests;
