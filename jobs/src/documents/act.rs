//! Reminding, with the mails that follow.

use market::documents::store;
use queue::JobTx;

use super::mail;
use crate::emails::MailError;

/// Reminds the owners of up to `most` documents that expire soon, each of its last stage that has come, once. Returns how many documents.
pub async fn remind(tx: &mut JobTx, most: i64) -> Result<u64, MailError> {
    let mut reminded = 0;
    for due in store::expiring(tx, most).await? {
        if store::note_reminded(tx, &due).await? {
            mail::expiring(tx, due).await?;
            reminded += 1;
        }
    }
    Ok(reminded)
}
