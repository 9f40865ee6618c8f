//! Rows as CSV (RFC 4180, UTF-8): a header line, then a line a row.

use std::borrow::Cow;
use std::io::Write;

use market::exports::parts::Column;
use serde_json::Value;

use crate::reports::csv_file::{line, safe};

pub(super) fn head(out: &mut impl Write, columns: &[Column]) -> anyhow::Result<()> {
    line(out, columns.iter().map(|column| column.name.into()))
}

pub(super) fn row(out: &mut impl Write, columns: &[Column], values: &[Value]) -> anyhow::Result<()> {
    line(out, columns.iter().zip(values).map(|(column, value)| text(*column, value)))
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
