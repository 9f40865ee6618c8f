//! Mail to sellers about decisions on their listings.

use market::emails::model::{Content, ListingReinstated, ListingSuspended};
use market::listings::store::Moderated;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Notifies those who trade for the seller, in the transaction of the decision.
pub async fn moderated(tx: &mut JobTx, moderated: &Moderated) -> Result<(), MailError> {
    let listing = &moderated.listing;
    let title = listing.title.clone();
    let content = match &listing.status_reason {
        Some(reason) => Content::ListingSuspended(ListingSuspended {
            listing: listing.id,
            title,
            reason: reason.clone(),
            in_auction: moderated.auction.is_some(),
        }),
        None => Content::ListingReinstated(ListingReinstated { listing: listing.id, title }),
    };
    let people = traders(tx, listing.seller_org_id).await?;
    // The audit entry's number tells this decision from earlier ones.
    let reference = format!("{}:{}", listing.id, moderated.entry);
    Ok(post_to(tx, &people, &reference, &content).await?)
}
