//! `tradeyard cargo archive …`

use std::io::{self, BufWriter, Write};

use chrono::NaiveDate;
use clap::Subcommand;
use market::cargo::store::{self, ARCHIVED_COLUMNS, ArchivePart};
use serde_json::{Map, Value};
use shared::blobs::Blobs;
use shared::config::Config;
use sqlx::PgConnection;

use crate::failure::advised;
use crate::output::{Column, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum Archive {
    /// List the months that left the log for the object store.
    List,
    /// Print the events of such a month, one JSON object a line.
    Read {
        /// Year and month: 2026-01.
        #[arg(value_name = "MONTH", value_parser = month)]
        month: NaiveDate,
    },
}

fn month(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").map_err(|_| "expected a month, 2026-01".to_owned())
}

impl Archive {
    pub(super) async fn run(self, config: &Config, events: &mut PgConnection, output: Output) -> anyhow::Result<()> {
        match self {
            Self::List => output.show(&store::archived(events, None).await?, |parts| view(parts, output)),
            Self::Read { month } => {
                let parts = store::archived(events, Some(month)).await?;
                if parts.is_empty() {
                    let text = format!("no events of {} are archived", month.format("%Y-%m"));
                    return Err(advised(text, "`tradeyard cargo archive list` lists the months"));
                }
                let blobs = Blobs::new(&config.s3)?;
                let mut lines = BufWriter::new(io::stdout().lock());
                for part in &parts {
                    let opened = workers::cargo::archive::open(&blobs, part).await?;
                    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(opened);
                    for row in rows.records() {
                        serde_json::to_writer(&mut lines, &event(&row?)?)?;
                        lines.write_all(b"\n")?;
                    }
                }
                Ok(lines.flush()?)
            }
        }
    }
}

/// An event as it was recorded; what it did not say is left out.
fn event(row: &csv::StringRecord) -> anyhow::Result<Map<String, Value>> {
    let mut event = Map::new();
    for (name, text) in ARCHIVED_COLUMNS.into_iter().zip(row).filter(|(_, text)| !text.is_empty()) {
        let value = match name {
            "id" | "sequence" | "latitude" | "longitude" | "payload" => serde_json::from_str(text)?,
            _ => Value::String(text.to_owned()),
        };
        event.insert(name.to_owned(), value);
    }
    Ok(event)
}

fn view(parts: &[ArchivePart], output: Output) -> String {
    if parts.is_empty() {
        return "Nothing is archived.".to_owned();
    }
    let mut table = output.table(&[
        Column::full("MONTH"),
        Column::full("EVENTS"),
        Column::full("BYTES"),
        Column::cut("OBJECT", 24),
    ]);
    for it in parts {
        table.add_row([
            it.month.format("%Y-%m").to_string(),
            it.row_count.to_string(),
            it.size.to_string(),
            it.object_key.clone(),
        ]);
    }
    table.to_string()
}
