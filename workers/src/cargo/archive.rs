//! Months of the event log as objects: CSV, compressed with zstd.
//!
//! # How to get this wrong
//! - Dropping what was only sent: each object is read back and counted before the database lets go of its month.
//! - Compressing into memory: an object of five million events has hundreds of megabytes. It goes through a pipe of [`CHUNK`].
//! - Naming objects by the time of the run: a run after a crash would leave the ones before it for ever.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use market::cargo::store::{ArchivePart, copy_month};
use sha2::{Digest, Sha256};
use shared::blobs::Blobs;
use sqlx::PgConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes between the database and the object store, and of each step of compressing.
const CHUNK: usize = 64 * 1024;
/// zstd's own default: events shrink to a tenth.
const LEVEL: i32 = 3;
/// More than S3 takes for one object.
const LARGEST: u64 = 1 << 40;

type Rows<'a> = BoxStream<'a, Result<Bytes, sqlx::Error>>;

/// Writes a month of the log to the object store in parts of at most `part_events`, and reads each one back.
pub(super) async fn export(
    conn: &mut PgConnection,
    blobs: &Blobs,
    month: NaiveDate,
    part_events: u32,
) -> anyhow::Result<Vec<ArchivePart>> {
    let mut rows = copy_month(conn, month).await.context("read the month")?;
    let mut parts = Vec::new();
    let mut next = rows.try_next().await?;
    while let Some(first) = next {
        let part = i32::try_from(parts.len() + 1)?;
        let object_key = format!("cargo/{}/{part:04}.csv.zst", month.format("%Y-%m"));
        let (writer, reader) = tokio::io::duplex(CHUNK);
        let filling = fill(first, &mut rows, part_events.max(1), writer);
        let (filled, sent) = tokio::join!(filling, blobs.put_stream(&object_key, "application/zstd", reader));
        sent?;
        let (sum, rest) = filled?;
        let sent = ArchivePart {
            month,
            part,
            object_key,
            row_count: sum.rows,
            size: sum.size,
            sha256: sum.sha256,
            // The database has a time of its own.
            archived_at: DateTime::UNIX_EPOCH,
        };
        verify(blobs, &sent).await?;
        parts.push(sent);
        next = rest;
    }
    Ok(parts)
}

/// What an object must be when it is read again.
#[derive(Debug, PartialEq, Eq)]
struct Sum {
    rows: i64,
    size: i64,
    sha256: Vec<u8>,
}

/// Compresses rows into `to`; returns what they make, and the first row of the next part.
async fn fill(
    first: Bytes,
    rows: &mut Rows<'_>,
    most: u32,
    mut to: DuplexStream,
) -> anyhow::Result<(Sum, Option<Bytes>)> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::with_capacity(2 * CHUNK), LEVEL)?;
    let (mut digest, mut size, mut count) = (Sha256::new(), 0, 0);
    let mut next = Some(first);
    while count < i64::from(most) {
        let Some(row) = next.take() else { break };
        encoder.write_all(&row)?;
        count += 1;
        if encoder.get_ref().len() >= CHUNK {
            size += send(&mut digest, &mut to, encoder.get_mut()).await?;
        }
        next = rows.try_next().await?;
    }
    size += send(&mut digest, &mut to, &mut encoder.finish()?).await?;
    to.shutdown().await?;
    Ok((Sum { rows: count, size, sha256: digest.finalize().to_vec() }, next))
}

async fn send(digest: &mut Sha256, to: &mut DuplexStream, bytes: &mut Vec<u8>) -> anyhow::Result<i64> {
    digest.update(&*bytes);
    to.write_all(bytes).await?;
    let sent = i64::try_from(bytes.len())?;
    bytes.clear();
    Ok(sent)
}

/// Counts the rows that come out of an object.
struct Lines(i64);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // No text of an event holds a line break: JSON escapes it, and references and ids have none.
        self.0 += bytes.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<i64>();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads an object back, to the last event.
pub(super) async fn verify(blobs: &Blobs, part: &ArchivePart) -> anyhow::Result<()> {
    let (_, mut reader) = blobs.open(&part.object_key).await?;
    let mut decoder = zstd::stream::write::Decoder::new(Lines(0))?;
    let (mut digest, mut size) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = reader.read(&mut chunk).await?;
        if length == 0 {
            break;
        }
        digest.update(&chunk[..length]);
        decoder.write_all(&chunk[..length])?;
        size += i64::try_from(length)?;
    }
    decoder.flush()?;
    let found = Sum { rows: decoder.get_ref().0, size, sha256: digest.finalize().to_vec() };
    let listed = Sum { rows: part.row_count, size: part.size, sha256: part.sha256.clone() };
    anyhow::ensure!(found == listed, "{} holds {found:?}, not {listed:?}", part.object_key);
    Ok(())
}

/// Opens an archived part: its CSV, after its checksum was found right.
pub async fn open(blobs: &Blobs, part: &ArchivePart) -> anyhow::Result<impl Read + use<>> {
    let mut file = blobs.to_file(&part.object_key, LARGEST).await?;
    let sha256 = sum(&mut file)?;
    anyhow::ensure!(sha256 == part.sha256, "{} is not what was archived: its checksum differs", part.object_key);
    Ok(zstd::stream::read::Decoder::new(file)?)
}

fn sum(file: &mut File) -> io::Result<Vec<u8>> {
    let (mut digest, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        digest.update(&chunk[..length]);
    }
    file.rewind()?;
    Ok(digest.finalize().to_vec())
}
