//! Mail to the bidders of sale events: those who trade for an organisation that has registered.

use market::emails::model::{BidderApproved, BidderRefused, Content, SaleEventCancelled};
use market::identity::store as identity;
use market::ids::SaleEventId;
use market::sale_events::store::Decided;
use queue::JobTx;
use shared::ids::OrgId;

use crate::auctions::mail::{MOST_PER_ORG, traders};
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

/// Tells the bidders of an event that it is cancelled.
pub async fn cancelled(tx: &mut JobTx, event: SaleEventId, title: &str, bidders: &[OrgId]) -> Result<(), MailError> {
    let people = identity::traders(tx, bidders, MOST_PER_ORG).await?;
    let content = Content::SaleEventCancelled(SaleEventCancelled { event, title: title.to_owned() });
    Ok(post_to(tx, &people, &event.to_string(), &content).await?)
}
