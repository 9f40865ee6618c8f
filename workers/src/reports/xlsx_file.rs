//! Sales as XLSX. The library's constant-memory mode keeps one row in memory, so rows are written
//! in order and cannot be changed later.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use market::reports::model::{SalesRow, Totals};
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Workbook, Worksheet};
use shared::money::{Currency, Money};

use super::cells;
use super::writer::Head;

/// The number of rows in a sheet (1,048,576), less those for head and totals.
pub(super) const MAX_ROWS: i64 = 1_048_000;

pub(super) struct XlsxFile {
    workbook: Workbook,
    path: PathBuf,
    head: Head,
    next_row: u32,
    formats: Formats,
}

struct Formats {
    time: Format,
    bold: Format,
}

impl XlsxFile {
    /// Opens a workbook. `temp_dir` holds the rows until the file at `path` is packed.
    pub(super) fn new(path: PathBuf, temp_dir: &Path, head: Head) -> anyhow::Result<Self> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(temp_dir).context("prepare the folder for rows")?;
        let formats = Formats {
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left),
            bold: Format::new().set_bold(),
        };
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        let next_row = write_head(sheet, &head, &formats).context("write the head of the sheet")?;
        Ok(Self { workbook, path, head, next_row, formats })
    }

    pub(super) fn row(&mut self, row: &SalesRow) -> anyhow::Result<()> {
        let at = self.next_row;
        let zone = self.head.period.zone();
        let sheet = self.workbook.worksheet_from_index(0)?;
        let time = row.sold_at.with_timezone(&zone).naive_local();
        let time = ExcelDateTime::parse_from_str(&time.format("%Y-%m-%dT%H:%M:%S").to_string())?;
        sheet.write_datetime_with_format(at, 0, &time, &self.formats.time)?;
        // Typed as strings, so a formula in them is text.
        sheet.write_string(at, 1, row.order.to_string())?;
        sheet.write_string(at, 2, &row.source)?;
        sheet.write_string(at, 3, &row.buyer)?;
        sheet.write_string(at, 4, &row.items)?;
        #[expect(clippy::cast_precision_loss, reason = "quantities are bounded far below 2^53")]
        sheet.write_number(at, 5, row.quantity as f64)?;
        for (column, money) in [(6, row.total), (7, row.fee), (8, row.net)] {
            sheet.write_number_with_format(at, column, number(money)?, &amount(money.currency(), false))?;
        }
        sheet.write_string(at, 9, row.total.currency().code())?;
        sheet.write_string(at, 10, &row.status)?;
        self.next_row += 1;
        Ok(())
    }

    pub(super) fn finish(mut self, totals: &[Totals]) -> anyhow::Result<()> {
        let sheet = self.workbook.worksheet_from_index(0)?;
        for it in totals {
            let at = self.next_row;
            let currency = it.total.currency();
            sheet.write_string_with_format(at, 0, &cells::total(it)[0], &self.formats.bold)?;
            for (column, money) in [(6, it.total), (7, it.fee), (8, it.net)] {
                sheet.write_number_with_format(at, column, number(money)?, &amount(currency, true))?;
            }
            sheet.write_string_with_format(at, 9, currency.code(), &self.formats.bold)?;
            self.next_row += 1;
        }
        self.workbook.save(&self.path).context("pack the XLSX file")
    }
}

/// Title, period and zone, then the column titles; returns the first row for sales.
fn write_head(sheet: &mut Worksheet, head: &Head, formats: &Formats) -> Result<u32, rust_xlsxwriter::XlsxError> {
    const TITLES_ROW: u32 = 5;
    let title = Format::new().set_bold().set_font_size(14);
    let header = Format::new().set_bold().set_background_color("E8EEEA");
    let period = &head.period;
    sheet.set_name("Sales")?;
    for (column, width) in [(0, 26.0), (1, 38.0), (2, 12.0), (3, 32.0), (4, 44.0), (10, 16.0)] {
        sheet.set_column_width(column, width)?;
    }
    for column in 5..10 {
        sheet.set_column_width(column, 14.0)?;
    }
    sheet.set_freeze_panes(TITLES_ROW + 1, 0)?;
    sheet.write_string_with_format(0, 0, "Sales report", &title)?;
    for (row, label, text) in [
        (1, "Organisation", head.org_name.clone()),
        (2, "Period", format!("{} to {} (both inclusive)", period.first_day(), period.last_day())),
        (3, "Time zone", period.zone().to_string()),
    ] {
        sheet.write_string_with_format(row, 0, label, &formats.bold)?;
        sheet.write_string(row, 1, text)?;
    }
    for (column, text) in (0..).zip(cells::titles(period.zone())) {
        sheet.write_string_with_format(TITLES_ROW, column, text, &header)?;
    }
    Ok(TITLES_ROW + 1)
}

/// An amount with the fraction digits of its currency.
fn amount(currency: Currency, bold: bool) -> Format {
    let format = match currency.exponent() {
        0 => Format::new().set_num_format("#,##0"),
        digits => Format::new().set_num_format(format!("#,##0.{}", "0".repeat(usize::from(digits)))),
    };
    if bold { format.set_bold() } else { format }
}

/// The double nearest to the decimal amount. It prints as the same decimal up to 15 digits, which
/// is what a sheet can hold.
fn number(money: Money) -> anyhow::Result<f64> {
    money.amount().parse().context("an amount is a decimal number")
}
