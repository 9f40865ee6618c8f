//! Reports: rows from the database become a file in the blob store, in constant memory.
//!
//! Rows stream from one statement into chunks of [`writer::CHUNK`]; a blocking thread formats them
//! into a temporary file; the file goes to the store part by part. There are never more than a few
//! chunks in memory, however long the report is.
//!
//! How to get this wrong: collect the rows first; count the totals in SQL and the rows in Rust; write the CSV from one
//! query and the XLSX from another.

mod cells;
mod csv_file;
mod expire_reports;
mod generate_report;
mod schedule_daily_reports;
pub mod writer;
mod xlsx_file;

#[cfg(test)]
mod tests;
