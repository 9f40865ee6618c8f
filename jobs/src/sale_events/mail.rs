//! Mail about registrations in sale events, to those who trade for the organisation that has asked.

use market::emails::model::{BidderApproved, BidderRefused, Content};
use market::sale_events::store::Decided;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Tells a bidder what the seller has decided: once for each decision, since a limit can be raised.
pub async fn decided(tx: &mut JobTx, decided: &Decided) -> Result<(), MailError> {
    let (registration, title) = (&decided.registration, decided.title.clone());
    let event = registration.event_id;
    let content = match registration.limit {
        Some(limit) => Content::BidderApproved(BidderApproved { event, title, limit }),
        None => Content::BidderRefused(BidderRefused { event, title }),
    };
    let people = traders(tx, decided.bidder.org).await?;
    let at = registration.decided_at.map_or(0, |at| at.timestamp_micros());
    Ok(post_to(tx, &people, &format!("{}:{at}", registration.id), &content).await?)
}
