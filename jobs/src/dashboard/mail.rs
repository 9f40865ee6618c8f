//! Mail about questions to a seller.

use market::dashboard::model::Inquiry;
use market::emails::model::{Content, InquiryReceived};
use market::identity::store as identity;
use market::listings::model::Listing;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Passes a question on to those who trade for the seller, in the transaction that asks it.
pub async fn inquiry(tx: &mut JobTx, inquiry: &Inquiry, listing: &Listing) -> Result<(), MailError> {
    let org = identity::org(tx, inquiry.org_id).await?.ok_or(MailError::Missing("the organisation that asks"))?;
    let content = Content::InquiryReceived(InquiryReceived {
        listing: listing.id,
        title: listing.title.clone(),
        org_name: org.legal_name,
        text: inquiry.text.clone(),
    });
    let people = traders(tx, listing.seller_org_id).await?;
    Ok(post_to(tx, &people, &inquiry.id.to_string(), &content).await?)
}
