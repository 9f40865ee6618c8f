//! Parts as an archive: each as CSV and as JSON, and a text that says what is in them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use market::exports::parts::Part;
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::write::ExportFile;
use super::{csv_file, json_file};
use crate::wanted::WantedFile;

/// An archive that is written entry by entry. The CSV of a part goes into it while its JSON waits beside it, so that both come from one
/// reading.
pub(super) struct ZipFile {
    out: ZipWriter<BufWriter<WantedFile>>,
    json: BufWriter<File>,
    open: Option<&'static Part>,
    rows: u64,
}

impl ZipFile {
    pub(super) fn new(file: WantedFile, dir: &Path, parts: &[Part]) -> anyhow::Result<Self> {
        let json = File::options().read(true).write(true).create_new(true).open(dir.join("json"));
        let json = BufWriter::new(json.context("make a file beside the archive")?);
        let mut zip = Self { out: ZipWriter::new(BufWriter::new(file)), json, open: None, rows: 0 };
        zip.start("README.txt")?;
        zip.out.write_all(readme(parts).as_bytes()).context("write the archive")?;
        Ok(zip)
    }

    /// Begins an entry. It has no date, so that a second run writes the same bytes.
    fn start(&mut self, name: &str) -> anyhow::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        self.out.start_file(name, options).context("begin a file of the archive")
    }

    /// Ends the part that is being written: its JSON follows its CSV.
    fn end(&mut self) -> anyhow::Result<()> {
        let Some(part) = self.open.take() else { return Ok(()) };
        self.json.write_all(if self.rows == 0 { b"]\n" } else { b"\n]\n" }).context("end the JSON")?;
        self.json.flush().context("write the JSON")?;
        self.start(&format!("{}.json", part.name))?;
        let file = self.json.get_mut();
        file.rewind().context("read the JSON back")?;
        std::io::copy(&mut BufReader::new(&mut *file), &mut self.out).context("write the archive")?;
        file.set_len(0).context("empty the JSON")?;
        file.rewind().context("empty the JSON")
    }
}

impl ExportFile for ZipFile {
    fn begin(&mut self, part: &'static Part) -> anyhow::Result<()> {
        self.end()?;
        (self.open, self.rows) = (Some(part), 0);
        self.json.write_all(b"[").context("begin the JSON")?;
        self.start(&format!("{}.csv", part.name))?;
        csv_file::head(&mut self.out, part.columns)
    }

    fn row(&mut self, part: &'static Part, values: &[Value]) -> anyhow::Result<()> {
        csv_file::row(&mut self.out, part.columns, values)?;
        self.json.write_all(if self.rows == 0 { b"\n" } else { b",\n" }).context("write the JSON")?;
        self.rows += 1;
        json_file::row(&mut self.json, part.columns, values)
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.end()?;
        let mut out = self.out.finish().context("end the archive")?;
        out.flush().context("write the archive")
    }
}

/// What is in the archive: each file with its columns.
fn readme(parts: &[Part]) -> String {
    let mut text = "Your data on Tradeyard\n\n\
        Everything that is kept about you, as it was when this archive was made. Each file is here twice, as CSV for spreadsheet\n\
        programs and as JSON for programs. Times are in UTC; amounts are in the currency that stands in their row. In the CSV, a text\n\
        that a spreadsheet program would run as a formula begins with an apostrophe.\n\n\
        What you did for an organisation is here as far as you did it; the rest of it is the organisation's. Passwords and tokens are\n\
        kept only as hashes, and are not here.\n"
        .to_owned();
    for part in parts {
        // Writing to a text cannot fail.
        let _ = write!(text, "\n{0}.csv, {0}.json\n  {1}\n", part.name, part.about);
        for column in part.columns {
            let _ = writeln!(text, "  - {}: {}", column.name, column.about);
        }
    }
    text
}
