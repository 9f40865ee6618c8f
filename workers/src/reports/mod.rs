//! Reports: rows from the database become a file in the blob store, in constant memory.
//!
//! What a report consists of, its definition says (`market::reports::definitions`). The rows of each section stream from one statement
//! into chunks of [`writer::CHUNK`]; a blocking thread formats them into a temporary file; the file goes to the store part by part.
//! There are never more than a few chunks in memory, however long the report is. A format is one file here, which knows sections,
//! columns and cells, and no kind of report; [`writer::open`] names it.
//!
//! How to get this wrong: collect the rows first; add up the sums in SQL and the rows in Rust; write the CSV from one query and the XLSX
//! from another; read the sections of a report from two snapshots.

pub(crate) mod csv_file;
mod expire_reports;
mod generate_report;
mod german;
mod json_file;
mod pdf_file;
mod request_subscribed;
mod schedule;
mod schedule_daily_reports;
mod schedule_monthly_reports;
mod schedule_weekly_reports;
mod sums;
mod wording;
pub mod writer;
mod xlsx_file;

#[cfg(test)]
mod tests;
