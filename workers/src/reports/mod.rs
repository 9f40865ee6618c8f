//! Reports: rows from the database to a file in the blob store, in flat memory.
//!
//! Rows stream from one statement into chunks of [`writer::CHUNK`]; a blocking thread formats them into a temporary file; the
//! file goes to the store part by part. At no time are more than a few chunks in memory, whatever the length of the report.
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
