//! Mail about files that were imported.

use market::emails::model::{Content, ImportEnded};
use market::imports::model::Import;
use queue::JobTx;

use crate::emails::{MailError, post_to};

/// Tells whoever sent a file what became of it, in the transaction that ends its import.
pub async fn ended(tx: &mut JobTx, import: &Import) -> Result<(), MailError> {
    let content = Content::ImportEnded(ImportEnded {
        import: import.id,
        kind: import.kind,
        counts: import.counts,
        failure: import.failure.clone(),
    });
    // A file that is sent again after a failure ends again, by another job.
    let job = import.job.ok_or(MailError::Missing("the job of an import"))?;
    Ok(post_to(tx, &[import.created_by], &format!("{}:{job}", import.id), &content).await?)
}
