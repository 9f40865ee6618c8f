//! A report as JSON: its head, then its sections with columns, rows and sums. A row is an array in the order of the columns; amounts and
//! decimals are texts, as everywhere in the API, so that no reader rounds them.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use anyhow::Context as _;
use chrono::SecondsFormat;
use chrono_tz::Tz;
use market::reports::table::{Cell, Section, Sum};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::writer::{Head, ReportFile};

pub(super) struct JsonFile {
    out: BufWriter<File>,
    zone: Tz,
    sections: usize,
    rows: usize,
}

impl JsonFile {
    pub(super) fn new(file: File, head: &Head) -> anyhow::Result<Self> {
        let period = &head.period;
        let about = json!({
            "kind": head.kind,
            "title": head.kind.definition().title,
            "organisation": head.org_name,
            "first_day": period.first_day(),
            "last_day": period.last_day(),
            "time_zone": period.zone().name(),
            "parameters": head.parameters,
        });
        let mut it = Self { out: BufWriter::new(file), zone: period.zone(), sections: 0, rows: 0 };
        it.put(format_args!("{{\"report\":{about},\"sections\":["))?;
        Ok(it)
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        self.out.write_fmt(text).context("write the JSON file")
    }
}

impl ReportFile for JsonFile {
    fn begin(&mut self, section: &Section) -> anyhow::Result<()> {
        let columns: Vec<Value> = section
            .columns
            .iter()
            .map(|column| {
                let mut about = json!({ "name": column.name, "title": column.title, "type": column.shape });
                if let Some(unit) = column.unit {
                    about["unit"] = json!(unit);
                }
                about
            })
            .collect();
        let (name, title, columns) = (json!(section.name), json!(section.title), json!(columns));
        let comma = if self.sections == 0 { "" } else { "," };
        self.sections += 1;
        self.rows = 0;
        self.put(format_args!("{comma}\n{{\"name\":{name},\"title\":{title},\"columns\":{columns},\"rows\":["))
    }

    fn row(&mut self, row: &[Cell]) -> anyhow::Result<()> {
        let zone = self.zone;
        let cells: Vec<Value> = row.iter().map(|cell| value(cell, zone)).collect();
        let comma = if self.rows == 0 { "" } else { "," };
        self.rows += 1;
        self.put(format_args!("{comma}\n{}", Value::Array(cells)))
    }

    fn end(&mut self, _: &Section, sums: &[Sum]) -> anyhow::Result<()> {
        let sums: Vec<Value> = sums
            .iter()
            .map(|sum| json!({ "column": sum.column, "row_count": sum.rows, "amount": sum.amount }))
            .collect();
        self.put(format_args!("],\"totals\":{}}}", Value::Array(sums)))
    }

    fn finish(mut self: Box<Self>, _: &CancellationToken) -> anyhow::Result<()> {
        self.put(format_args!("\n]}}\n"))?;
        self.out.flush().context("write the JSON file")
    }
}

fn value(cell: &Cell, zone: Tz) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Integer(number) => json!(number),
        Cell::Money(money) | Cell::Rounded(money, _) => json!(money.amount()),
        Cell::Currency(currency) => json!(currency.code()),
        Cell::Decimal(number) | Cell::Percent(number) => json!(number.text()),
        Cell::Day(day) => json!(day),
        Cell::Time(at) => json!(at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)),
        Cell::Id(id) => json!(id),
    }
}
