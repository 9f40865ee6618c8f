//! Imports: a file from the blob store becomes rows of the database, chunk by chunk.
//!
//! The file is copied to the disk and looked at as a whole; a blocking thread then reads it in chunks of [`chunks::ROWS`]. Each
//! chunk is one transaction: its rows, what became of them, and how far the job is. A file that is only tried takes the same way, but
//! its rows are rolled back, chunk by chunk: what a file touches is never locked for longer than a chunk takes, and rows do not see what
//! those of chunks before would have made.
//!
//! How to get this wrong: apply rows before the file was read to its end, so that a quotation mark that is never closed is found when half
//! of it is applied; note the place in the file apart from the rows; count the rows that were read instead of the lines of the file.

mod chunks;
mod expire_imports;
mod import_listings;
mod import_past_sales;
mod import_stock;
mod run;

#[cfg(test)]
mod tests;
