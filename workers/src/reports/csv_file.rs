//! Sales as CSV (RFC 4180, UTF-8, one header line).

use std::fs::File;
use std::io::BufWriter;

use anyhow::Context as _;
use market::reports::model::{SalesRow, Totals};

use super::cells;
use super::writer::Head;

pub(super) struct CsvFile {
    csv: csv::Writer<BufWriter<File>>,
    head: Head,
}

impl CsvFile {
    pub(super) fn new(file: File, head: Head) -> anyhow::Result<Self> {
        let mut csv = csv::Writer::from_writer(BufWriter::new(file));
        csv.write_record(cells::titles(head.period.zone())).context("write the CSV header")?;
        Ok(Self { csv, head })
    }

    pub(super) fn row(&mut self, row: &SalesRow) -> anyhow::Result<()> {
        self.csv.write_record(cells::sale(row, self.head.period.zone())).context("write a CSV row")
    }

    pub(super) fn finish(mut self, totals: &[Totals]) -> anyhow::Result<()> {
        for it in totals {
            self.csv.write_record(cells::total(it)).context("write the CSV totals")?;
        }
        self.csv.flush().context("write the CSV file")
    }
}
