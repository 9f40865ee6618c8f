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
        validate_only: import.terms.validate_only,
    });
    // A file that is sent again after a failure ends again.
    let ended = import.finished_at.ok_or(MailError::Missing("the end of an import"))?.timestamp_micros();
    Ok(post_to(tx, &[import.created_by], &format!("{}:{ended}", import.id), &content).await?)
}
