//! Rows as JSON objects, with their columns in order.

use std::io::Write;

use anyhow::Context as _;
use market::exports::parts::Column;
use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::Value;

/// Writes a row as an object in one line, without the line's end.
pub(super) fn row(out: &mut impl Write, columns: &[Column], values: &[Value]) -> anyhow::Result<()> {
    let mut json = serde_json::Serializer::new(out);
    let mut object = json.serialize_map(Some(columns.len())).context("begin a row")?;
    for (column, value) in columns.iter().zip(values) {
        object.serialize_entry(column.name, value).context("write a value")?;
    }
    object.end().context("end a row")
}
