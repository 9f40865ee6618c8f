//! The file of an upload, and a look at it.

use std::fs::File;
use std::io::Seek as _;

use market::ids::ImportId;
use market::images::model::UploadId;
use market::images::store::{self as uploads, ImageError};
use market::imports::model::{CSV, Encoding, ImportRow, ListingTerms, MAX_BYTES, NewImport, Separator};
use market::imports::rules::checksum;
use market::imports::rules::fields::{Columns, FromFields, ReadRow};
use market::imports::rules::reader::rows;
use market::imports::rules::shape::{ReadError, Shape, Unreadable, inspect};
use market::imports::store::{Acting, Apply};
use serde::Serialize;
use shared::blobs::BlobError;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::state::AppState;

/// How many rows a preview shows.
const SHOWN: usize = 20;

/// A file that has arrived, and what it turned out to be.
#[derive(Debug)]
struct Arrived {
    file: File,
    shape: Shape,
    columns: Columns,
    checksum: [u8; 32],
}

/// An import of a file that `org` has uploaded, to be stored.
pub(super) async fn to_import<R: FromFields>(
    state: &AppState,
    caller: &Caller,
    org: OrgId,
    (upload, terms): (UploadId, ListingTerms),
) -> Result<NewImport> {
    let checksum = arrived::<R>(state, org, upload, &terms).await?.checksum;
    Ok(NewImport { org, created_by: caller.user, kind: R::KIND, checksum, upload, terms })
}

/// Fetches a file that `org` has uploaded and reads it to its end. What is wrong with it as a whole is said at once.
async fn arrived<R: FromFields>(state: &AppState, org: OrgId, id: UploadId, terms: &ListingTerms) -> Result<Arrived> {
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
    let terms = terms.clone();
    let look = move || -> Result<Arrived, ReadError> {
        let mut file = file;
        let checksum = checksum(&file, R::KIND, &terms)?;
        let shape = inspect(&mut file)?;
        let columns = Columns::find::<R>(&shape, &terms)?;
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

/// What a file was understood as, its columns that say nothing, and its first rows with what would become of them now: they are tried and
/// taken back. `view` shows a row.
pub(super) async fn preview<R: Apply, V>(
    state: &AppState,
    caller: &Caller,
    org: OrgId,
    (upload, terms): (UploadId, ListingTerms),
    view: fn(ReadRow<R>, ImportRow) -> V,
) -> Result<(FileView, Vec<String>, Vec<V>)> {
    let arrived = arrived::<R>(state, org, upload, &terms).await?;
    let (file, columns, shown) = first_rows::<R>(arrived).await?;
    let mut tx = state.ledger.begin().await?;
    let by = Acting { org, user: caller.user, import: ImportId::generate() };
    let tried = R::apply(&mut tx, by, &columns, &shown).await;
    tx.rollback().await?;
    let rows = shown.into_iter().zip(tried?.0).map(|(read, tried)| view(read, tried)).collect();
    Ok((file, columns.unused(), rows))
}

/// Reads every row; keeps the first ones.
async fn first_rows<R: FromFields>(arrived: Arrived) -> Result<(FileView, Columns, Vec<ReadRow<R>>)> {
    let look = move || -> Result<(FileView, Columns, Vec<ReadRow<R>>), ReadError> {
        let Arrived { file, shape, columns, .. } = arrived;
        let (mut shown, mut unreadable_count) = (Vec::new(), 0);
        for row in rows(file, &shape)? {
            let row = ReadRow::<R>::of(&columns, &row?);
            unreadable_count += usize::from(row.row.is_err());
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
