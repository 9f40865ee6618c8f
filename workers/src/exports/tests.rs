use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use futures::future::BoxFuture;
use market::exports::model::{Format, Kind};
use market::exports::parts::{Line, Part};
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

use super::write::{BATCH, ExportFile as _, Source, Written, write};
use super::zip_file::ZipFile;
use crate::wanted::WantedFile;

mod jobs;

/// Rows from a function of their numbers, for each part as many.
struct Numbered {
    count: usize,
    /// Fails at this row.
    breaks_at: usize,
}

impl Source for Numbered {
    fn batch<'a>(&'a mut self, part: &'a Part, after: Option<&'a str>) -> BoxFuture<'a, anyhow::Result<Vec<Line>>> {
        Box::pin(async move {
            let begin: usize = after.map_or(Ok(0), |key| key.parse().map(|last: usize| last + 1))?;
            let end = self.count.min(begin + BATCH);
            if (begin..end).contains(&self.breaks_at) {
                return Err(anyhow!("connection lost"));
            }
            Ok((begin..end).map(|number| Line { key: number.to_string(), row: Json(row(part, number)) }).collect())
        })
    }
}

/// A row with something in each column.
fn row(part: &Part, number: usize) -> Map<String, Value> {
    let value = |name: &str, is_amount: bool| match name {
        "currency" => json!(if number.is_multiple_of(3) { "JPY" } else { "EUR" }),
        "title" | "name" | "text" => {
            json!(format!("=HYPERLINK(\"http://x\"); Fendt 724, Käufer {number}\nsecond line"))
        }
        _ if is_amount => json!(1_000_000 - number),
        _ => json!(format!("{name} {number} of some length")),
    };
    part.columns.iter().map(|column| (column.name.to_owned(), value(column.name, column.is_amount))).collect()
}

async fn written(count: usize, kind: Kind, format: Format) -> Written {
    let done = Arc::new(AtomicU64::new(0));
    let mut source = Numbered { count, breaks_at: usize::MAX };
    let written = write(&mut source, format, kind.parts(), Arc::clone(&done)).await.unwrap();
    let rows = count * kind.parts().len();
    assert_eq!((written.rows, done.load(Ordering::Relaxed)), (i64::try_from(rows).unwrap(), rows as u64));
    written
}

async fn bytes(written: &Written) -> Vec<u8> {
    use tokio::io::AsyncReadExt as _;
    let mut bytes = Vec::new();
    written.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// The records of a CSV file, with its header first.
pub(super) fn records(csv: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The files of an archive, by their names.
pub(super) fn unpacked(archive: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut files = Vec::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let (name, mut bytes) = (file.name().unwrap().into_owned(), Vec::new());
        file.read_to_end(&mut bytes).unwrap();
        files.push((name, bytes));
    }
    files
}

#[tokio::test]
async fn both_formats_have_the_same_values() {
    for kind in [Kind::Listings, Kind::Orders, Kind::Bids, Kind::CargoEvents] {
        let [part] = kind.parts() else { panic!("{kind:?} has one part") };
        let count = BATCH * 2 + 7;
        let csv = records(&bytes(&written(count, kind, Format::Csv).await).await);
        let json = String::from_utf8(bytes(&written(count, kind, Format::Jsonl).await).await).unwrap();
        let json: Vec<Map<String, Value>> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&str> = part.columns.iter().map(|column| column.name).collect();
        assert_eq!((csv.len(), json.len()), (1 + count, count));
        assert_eq!(csv[0], names);
        for (cells, object) in csv[1..].iter().zip(&json) {
            for (name, cell) in names.iter().zip(cells) {
                let value = object[*name].as_str().unwrap();
                // What a spreadsheet program would run is a text.
                let safe = if value.starts_with('=') { format!("'{value}") } else { value.to_owned() };
                assert_eq!(*cell, safe, "{name}");
            }
        }
        let amounts: Vec<_> = part.columns.iter().filter(|column| column.is_amount).collect();
        for column in amounts {
            assert_eq!((&json[0][column.name], &json[1][column.name]), (&json!("1000000"), &json!("9999.99")));
        }
    }
}

#[tokio::test]
async fn an_archive_has_each_file_twice_and_says_what_is_in_it() {
    let parts = Kind::OwnData.parts();
    for count in [0, 3] {
        let archive = bytes(&written(count, Kind::OwnData, Format::Zip).await).await;
        assert_eq!(
            archive,
            bytes(&written(count, Kind::OwnData, Format::Zip).await).await,
            "a second run writes the same"
        );
        let files = unpacked(archive);
        let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((files.len(), names.len()), (1 + parts.len() * 2, 1 + parts.len() * 2));
        let file = |name: &str| files.iter().find(|(file, _)| file == name).map(|(_, bytes)| bytes.as_slice()).unwrap();
        let readme = std::str::from_utf8(file("README.txt")).unwrap();
        for part in parts {
            assert!(readme.contains(&format!("\n{0}.csv, {0}.json\n", part.name)), "{}", part.name);
            let csv = records(file(&format!("{}.csv", part.name)));
            let json: Vec<Map<String, Value>> = serde_json::from_slice(file(&format!("{}.json", part.name))).unwrap();
            assert_eq!((csv.len(), json.len()), (1 + count, count), "{}", part.name);
            for column in part.columns {
                assert!(readme.contains(&format!("\n  - {}: ", column.name)), "{}.{}", part.name, column.name);
                assert!(csv[0].iter().any(|name| name == column.name));
            }
        }
    }
}

#[tokio::test]
async fn a_broken_batch_breaks_the_export() {
    for (kind, format) in [(Kind::Bids, Format::Csv), (Kind::Bids, Format::Jsonl), (Kind::OwnData, Format::Zip)] {
        let mut source = Numbered { count: BATCH * 3, breaks_at: BATCH + 1 };
        let error = write(&mut source, format, kind.parts(), Arc::default()).await.unwrap_err();
        assert!(format!("{error:#}").ends_with("connection lost"), "{error:#}");
    }
}

/// Packing takes long where there is much: it ends where nobody waits for the archive any more.
#[test]
fn an_archive_that_nobody_waits_for_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let unwanted = CancellationToken::new();
    let file = WantedFile::new(File::create(dir.path().join("export")).unwrap(), &unwanted);
    let mut archive = Box::new(ZipFile::new(file, dir.path(), Kind::OwnData.parts()).unwrap());
    archive.begin(&Kind::OwnData.parts()[0]).unwrap();
    unwanted.cancel();
    let error = archive.finish().unwrap_err();
    assert!(format!("{error:#}").contains("nobody waits for the file"), "{error:#}");
}

/// The most memory that this process has used since the last reset, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The process's peak memory while so many rows are written. It is not a difference to what the process holds before: the allocator
/// keeps a share of what the previous export freed, and how large a share varies.
async fn peak_of(count: usize, kind: Kind, format: Format) -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    drop(written(count, kind, format).await);
    peak_memory()
}

#[tokio::test]
async fn two_hundred_thousand_exported_rows_take_flat_memory() {
    let parts = Kind::OwnData.parts().len();
    for (kind, format, count) in [
        (Kind::Listings, Format::Csv, 200_000),
        (Kind::Orders, Format::Jsonl, 200_000),
        (Kind::OwnData, Format::Zip, 200_000 / parts),
    ] {
        // Warmed up: what every export needs is already there.
        drop(written(2_000, kind, format).await);
        let short = peak_of(2_000.min(count), kind, format).await;
        let grown = peak_of(count, kind, format).await.saturating_sub(short);
        // The rows alone would take some 100 MB.
        assert!(grown < 16 * 1024 * 1024, "{kind:?} took {grown} bytes more than a short export");
    }
}
