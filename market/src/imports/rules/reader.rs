//! Rows of a CSV file, one at a time, with the lines of the file on which they begin.
//!
//! `csv-core` takes a record apart. What stands around the records is done here: its own count of lines is off after empty lines
//! and after CR LF, and it takes a quotation mark that is never closed for the end of the file.

use std::io::{self, BufRead, BufReader, Read, Seek};

use csv_core::ReadRecordResult;

use super::shape::{ReadError, Shape, Unreadable};
use crate::imports::model::{Encoding, MAX_CELL_CHARS, MAX_COLUMNS, RowFault, Separator};

/// The most bytes in a record.
const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// The cells of one record, as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it begins, counted from 1.
    pub line: u32,
    pub cells: Vec<String>,
}

impl Record {
    /// Whether it is as good as an empty line.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// A row: as many cells as the header has, or what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub line: u32,
    pub cells: Result<Vec<String>, RowFault>,
}

/// The rows after the header, without those that are empty.
///
/// # Errors
/// Those of the file; [`super::shape::inspect`] has found everything else.
pub fn rows<F: Read + Seek>(mut file: F, shape: &Shape) -> Result<Rows<BufReader<F>>, ReadError> {
    file.seek(io::SeekFrom::Start(shape.skip))?;
    let mut records = Records::new(BufReader::new(file), shape.encoding, shape.separator);
    records.next_record()?;
    Ok(Rows { records, columns: shape.columns.clone() })
}

/// See [`rows`].
#[derive(Debug)]
pub struct Rows<R> {
    records: Records<R>,
    columns: Vec<String>,
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.records.next_record() {
                Ok(None) => return None,
                Ok(Some(record)) if record.is_blank() => {}
                Ok(Some(record)) => return Some(Ok(self.judged(record))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R> Rows<R> {
    fn judged(&self, record: Record) -> Row {
        let Record { line, cells } = record;
        let (here, wanted) = (cells.len(), self.columns.len());
        if here != wanted {
            let reason = format!("the row has {here} cells, the header has {wanted}");
            return Row { line, cells: Err(RowFault::of_row(reason)) };
        }
        let long = cells.iter().position(|cell| cell.chars().count() > MAX_CELL_CHARS);
        let cells = match long {
            None => Ok(cells),
            Some(place) => {
                Err(RowFault::at(&self.columns[place], format!("must have at most {MAX_CELL_CHARS} characters")))
            }
        };
        Row { line, cells }
    }
}

/// The records of a file, its header included.
#[derive(Debug)]
pub(super) struct Records<R> {
    file: R,
    core: csv_core::Reader,
    encoding: Encoding,
    lines: Lines,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Counts line ends of every kind: LF, CR LF, and CR alone.
#[derive(Clone, Copy, Debug)]
struct Lines {
    line: u32,
    after_cr: bool,
}

impl Lines {
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\r' || (*byte == b'\n' && !self.after_cr) {
                self.line += 1;
            }
            self.after_cr = *byte == b'\r';
        }
    }
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(file: R, encoding: Encoding, separator: Separator) -> Self {
        Self {
            file,
            core: csv_core::ReaderBuilder::new().delimiter(separator.byte()).build(),
            encoding,
            lines: Lines { line: 1, after_cr: false },
            bytes: vec![0; 4 * 1024],
            ends: vec![0; MAX_COLUMNS + 1],
        }
    }

    pub(super) fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        if !self.skip_empty_lines()? {
            return Ok(None);
        }
        let line = self.lines.line;
        let (mut written, mut ended) = (0, 0);
        loop {
            let part = self.file.fill_buf()?;
            let at_end = part.is_empty();
            // An unfinished last line ends with this; a cell that is still quoted does not.
            let part = if at_end { b"\n".as_slice() } else { part };
            let (result, read, wrote, ends) =
                self.core.read_record(part, &mut self.bytes[written..], &mut self.ends[ended..]);
            if !at_end {
                self.lines.pass(&part[..read]);
                self.file.consume(read);
            }
            (written, ended) = (written + wrote, ended + ends);
            match result {
                ReadRecordResult::Record if ended > MAX_COLUMNS => {
                    return Err(Unreadable::TooManyColumns { line }.into());
                }
                ReadRecordResult::Record => return Ok(Some(Record { line, cells: self.cells(ended) })),
                ReadRecordResult::InputEmpty if at_end => return Err(Unreadable::OpenQuote { line }.into()),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() >= MAX_RECORD_BYTES => {
                    return Err(Unreadable::RowTooLong { line }.into());
                }
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => return Err(Unreadable::TooManyColumns { line }.into()),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Goes to the beginning of the next record; `false`: there is none.
    fn skip_empty_lines(&mut self) -> io::Result<bool> {
        loop {
            let part = self.file.fill_buf()?;
            if part.is_empty() {
                return Ok(false);
            }
            let empty = part.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let found = empty < part.len();
            self.lines.pass(&part[..empty]);
            self.file.consume(empty);
            if found {
                return Ok(true);
            }
        }
    }

    fn cells(&self, count: usize) -> Vec<String> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let cells = begins.zip(&self.ends[..count]).map(|(begin, end)| &self.bytes[begin..*end]);
        cells.map(|cell| decoded(cell, self.encoding)).collect()
    }
}

fn decoded(cell: &[u8], encoding: Encoding) -> String {
    match encoding {
        // All of the file is.
        Encoding::Utf8 => String::from_utf8_lossy(cell).into_owned(),
        Encoding::Windows1252 => cell.iter().copied().map(windows_1252).collect(),
    }
}

/// What Windows has where Latin-1 has control characters, from 0x80 on. The five that mean nothing stay control characters, which
/// no text may have.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests;
