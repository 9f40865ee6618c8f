//! The rows of a file, read by a thread of its own.

use std::fs::File;

use anyhow::Context as _;
use market::imports::rules::reader::{Row, rows};
use market::imports::rules::shape::{ReadError, Shape, inspect};
use tokio::sync::mpsc;

/// How many rows are applied together. Whoever else changes one of them waits for all.
pub(super) const ROWS: usize = 250;
/// How many chunks may wait to be applied.
const WAITING: usize = 1;

/// Reads the file to its end.
pub(super) async fn look_at(file: File) -> anyhow::Result<(File, Result<Shape, ReadError>)> {
    let looked = move || {
        let shape = inspect(&file);
        (file, shape)
    };
    tokio::task::spawn_blocking(looked).await.context("read the file")
}

/// The rows after the line `after`, in chunks.
pub(super) fn chunks(file: File, shape: Shape, after: u32) -> mpsc::Receiver<Result<Vec<Row>, ReadError>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    // Whoever stops listening ends the thread.
    tokio::task::spawn_blocking(move || {
        let mut rows = match rows(file, &shape) {
            Ok(rows) => rows.skip_while(|row| row.as_ref().is_ok_and(|row| row.line <= after)),
            Err(error) => {
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        loop {
            let chunk: Result<Vec<_>, _> = rows.by_ref().take(ROWS).collect();
            let goes_on = chunk.as_ref().is_ok_and(|rows| !rows.is_empty());
            if chunk.as_ref().is_ok_and(Vec::is_empty) || sender.blocking_send(chunk).is_err() || !goes_on {
                return;
            }
        }
    });
    receiver
}
