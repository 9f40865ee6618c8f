//! Mail about offers, posted in the transaction of each step, to those who trade for the side that is to know.

use market::emails::model::{Content, OfferAccepted, OfferNews};
use market::ids::OfferId;
use market::offers::model::{Offer, OfferStatus};
use market::offers::rules::other;
use market::offers::store;
use market::orders::model::Side;
use market::orders::store as orders;
use queue::JobTx;
use shared::ids::OrgId;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Tells the side that did not act what the offer has become: new terms, a refusal, or that they are taken back. `party` is either
/// side. Both sides hear that an offer was accepted, or has expired.
pub async fn step(tx: &mut JobTx, party: OrgId, id: OfferId) -> Result<(), MailError> {
    let offer = store::offer(tx, party, id).await?.ok_or(MailError::Missing("an offer"))?;
    let (turn, waiting) = (offer.turn, other(offer.turn));
    match offer.status {
        OfferStatus::Open => post(tx, &offer, turn, Content::OfferReceived(news(&offer, turn)?)).await,
        OfferStatus::Countered => post(tx, &offer, turn, Content::OfferCountered(news(&offer, turn)?)).await,
        // Whoever had the turn has declined.
        OfferStatus::Declined => post(tx, &offer, waiting, Content::OfferDeclined(news(&offer, waiting)?)).await,
        OfferStatus::Withdrawn => post(tx, &offer, turn, Content::OfferWithdrawn(news(&offer, turn)?)).await,
        OfferStatus::Expired => {
            for side in [turn, waiting] {
                post(tx, &offer, side, Content::OfferExpired(news(&offer, side)?)).await?;
            }
            Ok(())
        }
        OfferStatus::Accepted => {
            for side in [turn, waiting] {
                let content = accepted(tx, &offer, side).await?;
                post(tx, &offer, side, content).await?;
            }
            Ok(())
        }
    }
}

/// As this side reads it.
fn news(offer: &Offer, reader: Side) -> Result<OfferNews, MailError> {
    let terms = offer.latest().ok_or(MailError::Missing("an offer's terms"))?;
    Ok(OfferNews {
        offer: offer.id,
        title: offer.title.clone(),
        other: match reader {
            Side::Buyer => offer.seller_name.clone(),
            Side::Seller => offer.buyer_name.clone(),
        },
        price: terms.price,
        quantity: terms.quantity,
        note: terms.note.clone(),
        expires_at: offer.expires_at,
    })
}

async fn accepted(tx: &mut JobTx, offer: &Offer, reader: Side) -> Result<Content, MailError> {
    let missing = MailError::Missing("the order of an offer");
    let Some(order) = offer.order else { return Err(missing) };
    let order = orders::order(tx, offer.org_of(reader), order).await?.ok_or(missing)?;
    Ok(Content::OfferAccepted(OfferAccepted {
        offer: offer.id,
        order: order.id,
        title: offer.title.clone(),
        other: match reader {
            Side::Buyer => offer.seller_name.clone(),
            Side::Seller => offer.buyer_name.clone(),
        },
        buys: reader == Side::Buyer,
        payable: order.payable,
        net: order.net,
        pay_by: order.pay_by,
    }))
}

async fn post(tx: &mut JobTx, offer: &Offer, side: Side, content: Content) -> Result<(), MailError> {
    let people = traders(tx, offer.org_of(side)).await?;
    Ok(post_to(tx, &people, &format!("{}:{}", offer.id, offer.version), &content).await?)
}
