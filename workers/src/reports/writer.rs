//! Writes a stream of rows to a file, in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use futures::{Stream, StreamExt as _};
use market::reports::model::{Format, SalesRow, Totals};
use market::reports::rules::Period;
use shared::money::Currency;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::csv_file::CsvFile;
use super::xlsx_file::{self, XlsxFile};

/// How many rows go to the file together.
pub const CHUNK: usize = 500;
/// How many chunks may wait for the file.
pub const WAITING: usize = 2;

/// What is written above the rows.
#[derive(Clone, Debug)]
pub struct Head {
    pub org_name: String,
    pub period: Period,
}

/// A finished report. Its file is deleted when the value is dropped.
#[derive(Debug)]
pub struct Written {
    dir: TempDir,
    /// By currency code.
    pub totals: Vec<Totals>,
}

impl Written {
    /// Opens the file for reading.
    pub async fn open(&self) -> anyhow::Result<tokio::fs::File> {
        tokio::fs::File::open(self.dir.path().join(FILE)).await.context("open the written report")
    }
}

/// The report can never be written; the text is for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    #[error("an XLSX sheet holds {limit} rows at most and this report has {rows}: ask for CSV or a shorter period", limit = xlsx_file::MAX_ROWS)]
    TooManyRows { rows: i64 },
    #[error("the amounts add up to more than can be written")]
    Overflow,
}

/// The name of the file in its folder.
const FILE: &str = "report";

/// Writes all rows, then the totals. `written` counts the rows that are in the file.
///
/// # Errors
/// The first error of the stream or the file; [`Unwritable`] (by downcast) if trying again does not
/// help. The temporary files are removed in every case, even if the caller drops the future.
pub async fn write_sales<S, E>(
    rows: S,
    head: Head,
    format: Format,
    expected_rows: i64,
    written: Arc<AtomicU64>,
) -> anyhow::Result<Written>
where
    S: Stream<Item = Result<SalesRow, E>> + Unpin,
    anyhow::Error: From<E>,
{
    if format == Format::Xlsx && expected_rows > xlsx_file::MAX_ROWS {
        return Err(Unwritable::TooManyRows { rows: expected_rows }.into());
    }
    let dir = tempfile::tempdir().context("make a folder for the report")?;
    let (chunks, file) = start(&dir, head, format, written)?;
    let mut rows = rows.chunks(CHUNK);
    let mut broken = None;
    while let Some(chunk) = rows.next().await {
        match chunk.into_iter().collect::<Result<Vec<_>, E>>() {
            // If the channel is closed, the file's own error says why.
            Ok(chunk) => {
                if chunks.send(chunk).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    drop(chunks);
    let totals = file.await.context("write the report")?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    Ok(Written { dir, totals: totals? })
}

type Chunks = mpsc::Sender<Vec<SalesRow>>;
type Totalled = anyhow::Result<Vec<Totals>>;

/// Starts the thread that formats and writes. It ends when the channel is closed.
fn start(
    dir: &TempDir,
    head: Head,
    format: Format,
    written: Arc<AtomicU64>,
) -> anyhow::Result<(Chunks, JoinHandle<Totalled>)> {
    let path = dir.path().join(FILE);
    let mut file = match format {
        Format::Csv => {
            let file = std::fs::File::create(&path).context("make the report's file")?;
            File::Csv(Box::new(CsvFile::new(file, head)?))
        }
        Format::Xlsx => File::Xlsx(Box::new(XlsxFile::new(path, dir.path(), head)?)),
    };
    let (sender, mut chunks) = mpsc::channel::<Vec<SalesRow>>(WAITING);
    let task = tokio::task::spawn_blocking(move || {
        let mut totals: BTreeMap<Currency, Totals> = BTreeMap::new();
        while let Some(chunk) = chunks.blocking_recv() {
            for row in &chunk {
                let currency = row.total.currency();
                let sum = totals.get(&currency).copied().unwrap_or(Totals::none(currency));
                totals.insert(currency, sum.with(row).map_err(|_| Unwritable::Overflow)?);
                file.row(row)?;
            }
            written.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        let totals: Vec<Totals> = totals.into_values().collect();
        file.finish(&totals)?;
        Ok(totals)
    });
    Ok((sender, task))
}

enum File {
    Csv(Box<CsvFile>),
    Xlsx(Box<XlsxFile>),
}

impl File {
    fn row(&mut self, row: &SalesRow) -> anyhow::Result<()> {
        match self {
            Self::Csv(file) => file.row(row),
            Self::Xlsx(file) => file.row(row),
        }
    }

    fn finish(self, totals: &[Totals]) -> anyhow::Result<()> {
        match self {
            Self::Csv(file) => file.finish(totals),
            Self::Xlsx(file) => file.finish(totals),
        }
    }
}
