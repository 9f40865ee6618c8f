//! Sending a file to be applied.

use market::ids::ImportId;
use market::images::store::{self as uploads, ImageError};
use market::imports::model::{ImportKind, NewImport};
use market::imports::store::{self, Begun, ImportError};
use queue::JobTx;
use queue::enqueue::EnqueueError;

use super::{ImportListings, ImportPastSales, ImportStock};

/// Why no import was begun.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Upload(#[from] ImageError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Stores an import, keeps its file, and enqueues the job that applies it, in one transaction. The same file again is the import that
/// there is, and an upload that was sent for it in vain is left to be purged: a job is enqueued only if the one before has given up.
pub async fn request(tx: &mut JobTx, new: &NewImport) -> Result<ImportId, RequestError> {
    let id = match store::create(tx, new).await? {
        Begun::New(id) => {
            uploads::keep_upload(tx, new.upload).await?;
            id
        }
        Begun::Known(id) => {
            if !store::reopen(tx, id).await? {
                return Ok(id);
            }
            id
        }
    };
    let org = new.org;
    let job = match new.kind {
        ImportKind::Stock => tx.enqueue(&ImportStock { import: id, org }).await?,
        ImportKind::Listings => tx.enqueue(&ImportListings { import: id, org }).await?,
        ImportKind::PastSales => tx.enqueue(&ImportPastSales { import: id, org }).await?,
    };
    store::set_job(tx, id, job.id()).await?;
    Ok(id)
}
