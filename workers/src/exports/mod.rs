//! Exports: rows from the database become a file in the blob store, in constant memory.
//!
//! What is in a file, its parts say (`market::exports::parts`). Their rows come in batches of [`write::BATCH`]; a blocking thread formats
//! them into a temporary file; the file goes to the store part by part. There are never more than a few batches in memory. A person's own
//! data is an archive of such files, each as CSV and as JSON.
//!
//! How to get this wrong: hold a transaction open over the batches; write the CSV from one reading and the JSON from another; upload
//! before the file is whole.

mod csv_file;
mod expire_exports;
mod generate_export;
mod json_file;
mod write;
mod zip_file;

#[cfg(test)]
mod tests;
