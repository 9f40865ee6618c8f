//! What a file turns out to be before any of its rows is applied. Whatever is wrong with the file as a whole is found here.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek};

use super::reader::{Record, Records};
use crate::imports::model::{Encoding, MAX_BYTES, MAX_COLUMNS, MAX_NAME_CHARS, MAX_ROWS, Separator};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// How far the header is looked for, in bytes.
const HEADER_BYTES: u64 = 64 * 1024;

/// A file that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub encoding: Encoding,
    pub separator: Separator,
    /// How many bytes stand before the header.
    pub skip: u64,
    /// What the header calls the columns, without the blanks around the names.
    pub columns: Vec<String>,
    /// Without the header and empty lines.
    pub rows: usize,
}

/// Why a file is refused as a whole. The text is for the person who sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("the file is UTF-16: save it as CSV in UTF-8")]
    Utf16,
    #[error("the file is not text: it has a zero byte")]
    NotText,
    #[error("the file has a header and no rows")]
    NoRows,
    #[error("the file has more than {MAX_ROWS} rows")]
    TooManyRows,
    #[error("line {line} has more than {MAX_COLUMNS} cells")]
    TooManyColumns { line: u32 },
    #[error("the row on line {line} is too long: is a quotation mark left open?")]
    RowTooLong { line: u32 },
    #[error("a quotation mark in the row on line {line} is opened and never closed")]
    OpenQuote { line: u32 },
    #[error("column {place} has no name in the header")]
    Unnamed { place: usize },
    #[error("the name of column {place} is longer than {MAX_NAME_CHARS} characters")]
    LongName { place: usize },
    #[error("two columns are called {0:?}")]
    Double(String),
    #[error("the column {name:?} is not known: there are {known}")]
    Unknown { name: String, known: String },
    #[error("there is no column {0:?}")]
    Missing(String),
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the file could not be read")]
    Io(#[from] io::Error),
}

/// Reads the file from its beginning to its end.
pub fn inspect(mut file: impl Read + Seek) -> Result<Shape, ReadError> {
    file.rewind()?;
    let encoding = encoding(&mut file)?;
    let skip = skipped(&mut file)?;
    file.seek(io::SeekFrom::Start(skip))?;
    let separator = separator(&mut file)?;
    file.seek(io::SeekFrom::Start(skip))?;
    let mut records = Records::new(BufReader::new(file), encoding, separator);
    let columns = match records.next_record()? {
        Some(header) => names(&header)?,
        None => return Err(Unreadable::Empty.into()),
    };
    let mut rows = 0;
    while let Some(record) = records.next_record()? {
        if record.is_blank() {
            continue;
        }
        rows += 1;
        if rows > MAX_ROWS {
            return Err(Unreadable::TooManyRows.into());
        }
    }
    if rows == 0 {
        return Err(Unreadable::NoRows.into());
    }
    Ok(Shape { encoding, separator, skip, columns, rows })
}

/// UTF-8 if all of it is, whatever else it may be.
fn encoding(file: &mut impl Read) -> Result<Encoding, ReadError> {
    let mut part = vec![0; 64 * 1024];
    // Of a character that goes on in the next part.
    let mut begun = 0;
    let (mut size, mut is_utf8) = (0_u64, true);
    loop {
        let read = file.read(&mut part[begun..])?;
        if read == 0 {
            break;
        }
        if size == 0 && (part.starts_with(b"\xff\xfe") || part.starts_with(b"\xfe\xff")) {
            return Err(Unreadable::Utf16.into());
        }
        size += read as u64;
        if size > MAX_BYTES {
            return Err(Unreadable::TooLarge.into());
        }
        let all = begun + read;
        if part[begun..all].contains(&0) {
            return Err(Unreadable::NotText.into());
        }
        begun = 0;
        if is_utf8 && let Err(error) = std::str::from_utf8(&part[..all]) {
            if error.error_len().is_some() {
                is_utf8 = false;
            } else {
                part.copy_within(error.valid_up_to()..all, 0);
                begun = all - error.valid_up_to();
            }
        }
    }
    if size == 0 {
        return Err(Unreadable::Empty.into());
    }
    Ok(if is_utf8 && begun == 0 { Encoding::Utf8 } else { Encoding::Windows1252 })
}

/// How many bytes the mark takes that some programs put in front of UTF-8.
fn skipped(file: &mut (impl Read + Seek)) -> Result<u64, ReadError> {
    file.rewind()?;
    let mut first = Vec::new();
    file.by_ref().take(BOM.len() as u64).read_to_end(&mut first)?;
    Ok(if first == BOM { BOM.len() as u64 } else { 0 })
}

/// The separator that stands most often in the header, outside of quotation marks.
fn separator(file: &mut impl Read) -> Result<Separator, ReadError> {
    let mut head = Vec::new();
    file.by_ref().take(HEADER_BYTES).read_to_end(&mut head)?;
    let mut quoted = false;
    let header = head.into_iter().skip_while(|byte| matches!(byte, b'\r' | b'\n')).take_while(|byte| {
        quoted ^= *byte == b'"';
        quoted || !matches!(byte, b'\r' | b'\n')
    });
    let (mut counts, mut quoted) = ([0_usize; Separator::ALL.len()], false);
    for byte in header {
        quoted ^= byte == b'"';
        let found = Separator::ALL.iter().position(|separator| !quoted && separator.byte() == byte);
        if let Some(found) = found {
            counts[found] += 1;
        }
    }
    // Of equals the first: what is rare in names comes first.
    let most = counts.iter().copied().max().unwrap_or_default();
    let place = counts.iter().position(|count| *count == most && most > 0);
    Ok(place.map_or(Separator::Comma, |place| Separator::ALL[place]))
}

fn names(header: &Record) -> Result<Vec<String>, Unreadable> {
    let mut names = BTreeSet::new();
    let mut columns = Vec::with_capacity(header.cells.len());
    for (place, name) in header.cells.iter().enumerate() {
        let name = name.trim();
        let place = place + 1;
        if name.is_empty() {
            return Err(Unreadable::Unnamed { place });
        }
        if name.chars().count() > MAX_NAME_CHARS {
            return Err(Unreadable::LongName { place });
        }
        if !names.insert(name.to_lowercase()) {
            return Err(Unreadable::Double(name.to_owned()));
        }
        columns.push(name.to_owned());
    }
    Ok(columns)
}

/// The place of the column with this name. Capitals do not matter.
#[must_use]
pub fn place_of(columns: &[String], name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    columns.iter().position(|column| column.to_lowercase() == name)
}
