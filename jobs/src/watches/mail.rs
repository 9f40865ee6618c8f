//! Mail to those who watch a listing.

use market::emails::model::{Content, PriceFell, Relisted};
use market::listings::model::Listing;
use queue::JobTx;
use shared::ids::UserId;
use shared::money::Money;

use crate::emails::{PostError, post_to};

/// Tells these people that the listing costs less. A price is told once, however often it is set.
pub async fn price_fell(
    tx: &mut JobTx,
    people: &[UserId],
    listing: &Listing,
    was: Money,
    now: Money,
) -> Result<(), PostError> {
    let content = Content::PriceFell(PriceFell { listing: listing.id, title: listing.title.clone(), was, now });
    post_to(tx, people, &format!("{}:{}", listing.id, now.minor()), &content).await
}

/// Tells these people that what they watched is listed again.
pub async fn relisted(tx: &mut JobTx, people: &[UserId], listing: &Listing) -> Result<(), PostError> {
    let content =
        Content::Relisted(Relisted { listing: listing.id, title: listing.title.clone(), price: listing.price });
    post_to(tx, people, &listing.id.to_string(), &content).await
}
