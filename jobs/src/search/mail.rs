//! Mail about what saved searches have found.

use market::emails::model::{Content, FoundListing, NewEmail, Recipient, SavedSearchDigest};
use market::search::store::saved::Digest;
use queue::JobTx;

use crate::emails::{PostError, post};

/// Mails what is new, in the transaction that notes it as mailed: once a day for each search.
pub async fn digest(tx: &mut JobTx, digest: Digest) -> Result<(), PostError> {
    let found = digest.found.into_iter();
    let found = found.map(|one| FoundListing { listing: one.listing, title: one.title, price: one.price });
    let content = Content::SavedSearchDigest(SavedSearchDigest {
        search: digest.search,
        name: digest.name,
        found: found.collect(),
        more: digest.more,
    });
    let reference = format!("{}:{}", digest.search, digest.day);
    let _ = post(tx, &NewEmail { recipient: Recipient::User(digest.user), reference, content }).await?;
    Ok(())
}
