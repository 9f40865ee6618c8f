//! The file of an upload, and a look at it.

use std::fs::File;
use std::io::Seek as _;

use market::images::model::UploadId;
use market::images::store::{self as uploads, ImageError};
use market::imports::model::{CSV, Encoding, ImportKind, ListingTerms, MAX_BYTES, Separator};
use market::imports::rules::checksum;
use market::imports::rules::reader::{Row, rows};
use market::imports::rules::shape::{ReadError, Shape, Unreadable, inspect};
use serde::Serialize;
use shared::blobs::BlobError;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use utoipa::ToSchema;

use crate::error::{Problem, Result};
use crate::state::AppState;

/// How many rows a preview shows.
const SHOWN: usize = 20;

/// A file that has arrived, and what it turned out to be.
#[derive(Debug)]
pub(super) struct Arrived<C> {
    pub(super) file: File,
    pub(super) shape: Shape,
    pub(super) columns: C,
    pub(super) checksum: [u8; 32],
}

/// Fetches a file that `org` has uploaded and reads it to its end. What is wrong with it as a whole is said at once.
pub(super) async fn arrived<C: Send + 'static>(
    state: &AppState,
    org: OrgId,
    id: UploadId,
    (kind, terms): (ImportKind, ListingTerms),
    columns: impl FnOnce(&Shape) -> Result<C, Unreadable> + Send + 'static,
) -> Result<Arrived<C>> {
    let upload = match uploads::upload(&mut *state.db.acquire().await?, id).await {
        Ok(upload) if upload.org == org => upload,
        Ok(_) | Err(ImageError::NoSuchUpload(_)) => {
            return Err(Invalid::new("/upload", "the organisation has no such upload").into());
        }
        Err(error) => return Err(error.into()),
    };
    if upload.content_type != CSV {
        let detail = format!("the upload is no file to import: announce one of {CSV}");
        return Err(Problem::unprocessable("upload_type", detail.clone()).at("/upload", detail));
    }
    if !upload.completed && upload.late {
        return Err(Problem::conflict("upload_expired", "the upload has expired; announce it again"));
    }
    let file = match state.blobs.to_file(&upload.object_key, MAX_BYTES).await {
        Ok(file) => file,
        Err(BlobError::NotFound { .. }) => {
            return Err(Problem::conflict("upload_missing", "nothing has arrived yet; send the bytes first"));
        }
        Err(BlobError::TooLarge { .. }) => return Err(unreadable(&Unreadable::TooLarge)),
        Err(error) => return Err(error.into()),
    };
    let look = move || -> Result<Arrived<C>, ReadError> {
        let mut file = file;
        let checksum = checksum(&file, kind, &terms)?;
        let shape = inspect(&mut file)?;
        let columns = columns(&shape)?;
        file.rewind()?;
        Ok(Arrived { file, shape, columns, checksum })
    };
    read(tokio::task::spawn_blocking(look).await)
}

fn read<T>(done: Result<Result<T, ReadError>, tokio::task::JoinError>) -> Result<T> {
    match done.map_err(Problem::internal)? {
        Ok(read) => Ok(read),
        Err(ReadError::Unreadable(why)) => Err(unreadable(&why)),
        Err(error) => Err(Problem::internal(error)),
    }
}

fn unreadable(why: &Unreadable) -> Problem {
    Problem::unprocessable("file_unreadable", why.to_string()).at("/upload", why.to_string())
}

/// What a file was understood as.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileView {
    encoding: Encoding,
    separator: Separator,
    /// In the order of the file.
    columns: Vec<String>,
    /// Without the header and empty lines.
    row_count: usize,
    /// Rows with a cell that cannot be read. Others may be refused by what there is when they are applied.
    unreadable_count: usize,
}

/// Reads every row as `as_row` does; keeps the first ones.
pub(super) async fn first_rows<C: Send + 'static, R: Send + 'static>(
    arrived: Arrived<C>,
    as_row: impl Fn(&C, &Shape, &Row) -> (R, bool) + Send + 'static,
) -> Result<(FileView, C, Vec<R>)> {
    let look = move || -> Result<(FileView, C, Vec<R>), ReadError> {
        let Arrived { file, shape, columns, .. } = arrived;
        let (mut shown, mut unreadable_count) = (Vec::new(), 0);
        for row in rows(file, &shape)? {
            let (row, readable) = as_row(&columns, &shape, &row?);
            unreadable_count += usize::from(!readable);
            if shown.len() < SHOWN {
                shown.push(row);
            }
        }
        let view = FileView {
            encoding: shape.encoding,
            separator: shape.separator,
            columns: shape.columns,
            row_count: shape.rows,
            unreadable_count,
        };
        Ok((view, columns, shown))
    };
    read(tokio::task::spawn_blocking(look).await)
}
