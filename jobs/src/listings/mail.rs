//! Mail to sellers about decisions on their listings.

use market::emails::model::{Content, ListingApproved, ListingRefused, ListingReinstated, ListingSuspended};
use market::listings::store::{Decision, Moderated};
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Notifies those who trade for the seller, in the transaction of the decision.
pub async fn moderated(tx: &mut JobTx, decision: Decision<'_>, moderated: &Moderated) -> Result<(), MailError> {
    let listing = moderated.listing.id;
    let title = moderated.listing.title.clone();
    let content = match decision {
        Decision::Approve => Content::ListingApproved(ListingApproved { listing, title }),
        Decision::Refuse(reason) => {
            Content::ListingRefused(ListingRefused { listing, title, reason: reason.to_owned() })
        }
        Decision::Suspend(reason) => {
            let (reason, in_auction) = (reason.to_owned(), moderated.auction.is_some());
            Content::ListingSuspended(ListingSuspended { listing, title, reason, in_auction })
        }
        Decision::Reinstate => Content::ListingReinstated(ListingReinstated { listing, title }),
    };
    let people = traders(tx, moderated.listing.seller_org_id).await?;
    // The act's number tells this decision from earlier ones.
    let reference = format!("{listing}:{}", moderated.act);
    Ok(post_to(tx, &people, &reference, &content).await?)
}
