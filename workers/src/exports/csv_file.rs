//! Rows as CSV (RFC 4180, UTF-8): a header line, then a line a row.

use std::borrow::Cow;
use std::io::Write;

use anyhow::Context as _;
use market::exports::parts::Column;
use serde_json::Value;

use crate::reports::safe;

/// Lines are short, and what they are written to is buffered.
const LINE: usize = 512;

pub(super) fn head(out: &mut impl Write, columns: &[Column]) -> anyhow::Result<()> {
    line(out, columns.iter().map(|column| column.name.into()))
}

pub(super) fn row(out: &mut impl Write, columns: &[Column], values: &[Value]) -> anyhow::Result<()> {
    line(out, columns.iter().zip(values).map(|(column, value)| text(*column, value)))
}

fn line<'a>(out: &mut impl Write, cells: impl Iterator<Item = Cow<'a, str>>) -> anyhow::Result<()> {
    let mut csv = csv::WriterBuilder::new().buffer_capacity(LINE).from_writer(out);
    for cell in cells {
        csv.write_field(cell.as_bytes()).context("write a CSV cell")?;
    }
    csv.write_record(None::<&[u8]>).context("end a CSV line")?;
    csv.flush().context("write a CSV line")
}

/// A value as text. What people typed is made safe; numbers and amounts are plain, and may begin with a minus.
fn text(column: Column, value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(amount) if column.is_amount => amount.into(),
        Value::String(text) => safe(text),
        value => value.to_string().into(),
    }
}
