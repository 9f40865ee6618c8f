//! Writes streams of rows to a file, section by section, in bounded memory.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use market::identity::Locale;
use market::reports::model::{Format, Kind, Parameters};
use market::reports::rules::Period;
use market::reports::table::{Cell, Row, Section, Sum};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::csv_file::CsvFile;
use super::json_file::JsonFile;
use super::pdf_file::PdfFile;
use super::sums::Sums;
use super::wording::Wording;
use super::xlsx_file::XlsxFile;
use crate::papers::PaperFonts;

/// How many rows go to the file together.
pub const CHUNK: usize = 500;
/// How many chunks may wait for the file.
pub const WAITING: usize = 2;

/// What is written about the report, and its sections.
#[derive(Clone, Debug)]
pub struct Head {
    pub kind: Kind,
    pub org_name: String,
    /// Of those who read it: workbooks and papers are in their language.
    pub locale: Locale,
    pub period: Period,
    pub parameters: Parameters,
    pub sections: Vec<Section>,
    /// When it was asked for: the file's date, so that a second run writes the same bytes.
    pub asked_at: DateTime<Utc>,
}

impl Head {
    /// What people are told of the report: labels and texts.
    pub(super) fn facts(&self, wording: &Wording) -> Vec<(&'static str, String)> {
        let (period, words) = (&self.period, wording.words());
        let days = words.days.replace("{first}", &wording.day(period.first_day()));
        let mut facts = vec![
            (words.period, days.replace("{last}", &wording.day(period.last_day()))),
            (words.zone, period.zone().to_string()),
        ];
        if let Some(grouping) = self.parameters.group_by {
            facts.push((words.grouped_by, wording.grouping(grouping).to_owned()));
        }
        facts
    }
}

/// Where the rows of each section come from.
pub trait Source {
    fn rows(&mut self, section: &Section) -> BoxStream<'_, anyhow::Result<Row>>;
}

/// A file in one format. It is given the sections one after the other, each with its rows and then its sums, and knows nothing else of
/// the report.
pub(super) trait ReportFile: Send {
    fn begin(&mut self, section: &Section) -> anyhow::Result<()>;

    fn row(&mut self, row: &[Cell]) -> anyhow::Result<()>;

    fn end(&mut self, section: &Section, sums: &[Sum]) -> anyhow::Result<()>;

    /// Ends the file. A format that takes its time for it fails soon after `unwanted`.
    fn finish(self: Box<Self>, unwanted: &CancellationToken) -> anyhow::Result<()>;
}

/// Begins the file at `path`; `dir` is for what the format keeps beside it. A further format is one more line here, and one more name in
/// [`Format`].
fn open(
    format: Format,
    path: &Path,
    dir: &Path,
    head: Head,
    fonts: &PaperFonts,
) -> anyhow::Result<Box<dyn ReportFile>> {
    let file = || File::create(path).context("make the report's file");
    Ok(match format {
        Format::Csv => Box::new(CsvFile::new(file()?, &head)),
        Format::Json => Box::new(JsonFile::new(file()?, &head)?),
        Format::Xlsx => Box::new(XlsxFile::new(path.to_owned(), dir, head)?),
        Format::Pdf => Box::new(PdfFile::new(path.to_owned(), fonts.load()?, head)),
    })
}

/// A finished report. Its file is deleted when the value is dropped.
#[derive(Debug)]
pub struct Written {
    dir: TempDir,
    /// Of all sections.
    pub rows: i64,
    /// In the order of sections, columns and currencies.
    pub sums: Vec<Sum>,
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
    #[error("the amounts add up to more than can be written")]
    Overflow,
}

/// The name of the file in its folder.
const FILE: &str = "report";

/// Writes all sections. `written` counts the rows that are in the file.
///
/// # Errors
/// The first error of a stream or the file; [`Unwritable`] (by downcast) if trying again does not
/// help. The temporary files are removed in every case, even if the caller drops the future; the thread that writes them then ends soon.
pub async fn write<S: Source>(
    source: &mut S,
    head: Head,
    format: Format,
    written: Arc<AtomicU64>,
    fonts: &PaperFonts,
) -> anyhow::Result<Written> {
    let dir = tempfile::tempdir().context("make a folder for the report")?;
    let sections = head.sections.clone();
    let file = open(format, &dir.path().join(FILE), dir.path(), head, fonts)?;
    let Sums { rows, done, .. } = fill(source, &sections, file, written).await?;
    Ok(Written { dir, rows, sums: done })
}

/// Fills the file on a thread of its own, which ends soon when the future is dropped.
async fn fill<S: Source>(
    source: &mut S,
    sections: &[Section],
    file: Box<dyn ReportFile>,
    written: Arc<AtomicU64>,
) -> anyhow::Result<Sums> {
    let unwanted = CancellationToken::new();
    let _dropped = unwanted.clone().drop_guard();
    let (parts, file) = start(file, written, unwanted);
    let sent = send(source, sections, &parts).await;
    if sent.is_ok() {
        // If the channel is closed, the file's own error says why.
        let _ = parts.send(Part::Finish).await;
    }
    drop(parts);
    let sums = file.await.context("write the report")?;
    sent?;
    sums
}

/// What the thread that writes is given.
enum Part {
    Begin(Section),
    Rows(Vec<Row>),
    End(Section),
    /// There is no more of it.
    Finish,
}

/// Sends the sections. If the channel is closed, the file's own error says why.
async fn send<S: Source>(source: &mut S, sections: &[Section], parts: &mpsc::Sender<Part>) -> anyhow::Result<()> {
    for section in sections {
        if parts.send(Part::Begin(*section)).await.is_err() {
            return Ok(());
        }
        let mut rows = source.rows(section).chunks(CHUNK);
        while let Some(chunk) = rows.next().await {
            let chunk = chunk.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
            if parts.send(Part::Rows(chunk)).await.is_err() {
                return Ok(());
            }
        }
        if parts.send(Part::End(*section)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Starts the thread that formats and writes. It ends when the channel is closed; what was broken off or cancelled is not packed first,
/// and what is `unwanted` while it is packed is given up.
fn start(
    mut file: Box<dyn ReportFile>,
    written: Arc<AtomicU64>,
    unwanted: CancellationToken,
) -> (mpsc::Sender<Part>, JoinHandle<anyhow::Result<Sums>>) {
    let (sender, mut parts) = mpsc::channel::<Part>(WAITING);
    let task = tokio::task::spawn_blocking(move || {
        let mut sums = Sums::default();
        let mut open: Option<Section> = None;
        while let Some(part) = parts.blocking_recv() {
            match part {
                Part::Begin(section) => {
                    file.begin(&section)?;
                    open = Some(section);
                }
                Part::Rows(rows) => {
                    let section = open.as_ref().context("rows belong to a section")?;
                    for row in &rows {
                        sums.add(section, row).map_err(|_| Unwritable::Overflow)?;
                        file.row(row)?;
                    }
                    written.fetch_add(rows.len() as u64, Ordering::Relaxed);
                }
                Part::End(section) => file.end(&section, sums.end(&section))?,
                Part::Finish => {
                    file.finish(&unwanted)?;
                    return Ok(sums);
                }
            }
        }
        anyhow::bail!("the report was broken off")
    });
    (sender, task)
}

#[cfg(test)]
mod tests;
