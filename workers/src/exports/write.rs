//! From batches of rows to a temporary file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use futures::future::BoxFuture;
use market::exports::model::Format;
use market::exports::parts::{Line, Part};
use market::exports::rules::values;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::zip_file::ZipFile;
use super::{csv_file, json_file};
use crate::wanted::WantedFile;

/// How many rows are read together.
pub(super) const BATCH: usize = 500;
/// How many batches wait for the thread that writes.
const WAITING: usize = 2;
/// The name of the file in its folder.
const FILE: &str = "export";

/// Where the rows of each part come from.
pub(super) trait Source: Send {
    /// Up to [`BATCH`] rows behind a key.
    fn batch<'a>(&'a mut self, part: &'a Part, after: Option<&'a str>) -> BoxFuture<'a, anyhow::Result<Vec<Line>>>;
}

/// A finished file. It is deleted when the value is dropped.
#[derive(Debug)]
pub(super) struct Written {
    dir: TempDir,
    pub(super) rows: i64,
}

impl Written {
    /// Opens the file for reading.
    pub(super) async fn open(&self) -> anyhow::Result<tokio::fs::File> {
        tokio::fs::File::open(self.dir.path().join(FILE)).await.context("open the written export")
    }
}

/// A file in one format. It is given the parts one after the other, each with its rows.
pub(super) trait ExportFile: Send {
    fn begin(&mut self, part: &'static Part) -> anyhow::Result<()>;

    fn row(&mut self, part: &'static Part, values: &[Value]) -> anyhow::Result<()>;

    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

/// One part as CSV or as lines of JSON.
struct PlainFile {
    out: BufWriter<File>,
    csv: bool,
}

impl ExportFile for PlainFile {
    fn begin(&mut self, part: &'static Part) -> anyhow::Result<()> {
        if self.csv { csv_file::head(&mut self.out, part.columns) } else { Ok(()) }
    }

    fn row(&mut self, part: &'static Part, values: &[Value]) -> anyhow::Result<()> {
        if self.csv {
            return csv_file::row(&mut self.out, part.columns, values);
        }
        json_file::row(&mut self.out, part.columns, values)?;
        self.out.write_all(b"\n").context("write the export")
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.out.flush().context("write the export")
    }
}

fn open(
    format: Format,
    parts: &'static [Part],
    dir: &Path,
    unwanted: &CancellationToken,
) -> anyhow::Result<Box<dyn ExportFile>> {
    let out = File::create(dir.join(FILE)).context("make the export's file")?;
    Ok(match format {
        Format::Csv | Format::Jsonl => Box::new(PlainFile { out: BufWriter::new(out), csv: format == Format::Csv }),
        Format::Zip => Box::new(ZipFile::new(WantedFile::new(out, unwanted), dir, parts)?),
    })
}

/// What the thread that writes is given.
enum Piece {
    Begin(&'static Part),
    Rows(&'static Part, Vec<Line>),
    /// There is no more of it.
    Finish,
}

/// Writes all parts. `written` counts the rows that are in the file.
///
/// # Errors
/// The first error of a batch or of the file. The temporary files are removed in every case, even if the caller drops the future; the
/// thread that writes and packs them then ends soon.
pub(super) async fn write(
    source: &mut dyn Source,
    format: Format,
    parts: &'static [Part],
    written: Arc<AtomicU64>,
) -> anyhow::Result<Written> {
    let dir = tempfile::tempdir().context("make a folder for the export")?;
    let unwanted = CancellationToken::new();
    let _dropped = unwanted.clone().drop_guard();
    let mut file = open(format, parts, dir.path(), &unwanted)?;
    let (pieces, mut waiting) = mpsc::channel::<Piece>(WAITING);
    let thread = tokio::task::spawn_blocking(move || {
        let mut count = 0;
        while let Some(piece) = waiting.blocking_recv() {
            match piece {
                Piece::Begin(part) => file.begin(part)?,
                Piece::Rows(part, lines) => {
                    let rows = lines.len();
                    for line in lines {
                        file.row(part, &values(part.columns, line.row.0)?)?;
                    }
                    count += i64::try_from(rows)?;
                    written.fetch_add(rows as u64, Ordering::Relaxed);
                }
                Piece::Finish => {
                    file.finish()?;
                    return Ok(count);
                }
            }
        }
        anyhow::bail!("the export was broken off")
    });
    let sent = send(source, parts, &pieces).await;
    drop(pieces);
    let rows = thread.await.context("write the export")?;
    sent?;
    Ok(Written { dir, rows: rows? })
}

/// Sends the parts. If the channel is closed, the file's own error says why.
async fn send(source: &mut dyn Source, parts: &'static [Part], pieces: &mpsc::Sender<Piece>) -> anyhow::Result<()> {
    for part in parts {
        if pieces.send(Piece::Begin(part)).await.is_err() {
            return Ok(());
        }
        let mut after: Option<String> = None;
        loop {
            let lines = source.batch(part, after.as_deref()).await.with_context(|| format!("read {}", part.name))?;
            let whole = lines.len() >= BATCH;
            after = lines.last().map(|line| line.key.clone());
            if !lines.is_empty() && pieces.send(Piece::Rows(part, lines)).await.is_err() {
                return Ok(());
            }
            if !whole {
                break;
            }
        }
    }
    // If the channel is closed, the file's own error says why.
    let _ = pieces.send(Piece::Finish).await;
    Ok(())
}
