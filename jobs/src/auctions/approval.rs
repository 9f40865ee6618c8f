//! What follows from a highest bid below the reserve, and from the answers to it.

use market::auctions::model::{Approval, ApprovalStatus, Asked, Closed, Participant};
use market::auctions::store::Answered;
use market::emails::model::{ApprovalNews, Content};
use market::emails::store::ToTraders;
use market::orders::model::Side;
use queue::JobTx;
use shared::ids::OrgId;

use super::awarded;
use super::events::{News, announce};
use super::mail::traders;
use crate::emails::{MailError, post_to};

/// The mails to both sides that the seller decides.
pub(super) fn mails(asked: &Asked) -> Vec<ToTraders> {
    let sides = [(Side::Seller, asked.seller.org), (Side::Buyer, asked.bidder.org)].map(|(side, org)| ToTraders {
        org,
        reference: asked.auction.id.to_string(),
        content: Content::ApprovalAsked(news(&asked.title, &asked.approval, side)),
    });
    sides.into()
}

/// Tells the side that did not answer what the other one said. The timer finds out by itself that there is more time.
pub async fn answered(tx: &mut JobTx, answered: &Answered) -> Result<(), MailError> {
    let Answered { closed, approval, bidder, by } = answered;
    let (side, org) = match by {
        Side::Seller => (Side::Buyer, bidder.org),
        Side::Buyer => (Side::Seller, closed.seller.org),
    };
    let news = news(&closed.title, approval, side);
    match approval.status {
        ApprovalStatus::Asked | ApprovalStatus::Expired => {}
        ApprovalStatus::Countered => post(tx, org, approval, &Content::ApprovalCountered(news)).await?,
        ApprovalStatus::Declined => {
            post(tx, org, approval, &Content::ApprovalEnded(news)).await?;
            announce(tx, News::Unsold, &closed.auction);
        }
        ApprovalStatus::Accepted => {
            awarded(tx, closed).await?;
            announce(tx, News::Awarded, &closed.auction);
        }
    }
    Ok(())
}

/// Tells both sides that nobody answered in time.
pub async fn unanswered(
    tx: &mut JobTx,
    closed: &Closed,
    approval: &Approval,
    bidder: Participant,
) -> Result<(), MailError> {
    for (side, org) in [(Side::Seller, closed.seller.org), (Side::Buyer, bidder.org)] {
        let content = Content::ApprovalEnded(news(&closed.title, approval, side));
        post(tx, org, approval, &content).await?;
    }
    announce(tx, News::Unsold, &closed.auction);
    Ok(())
}

fn news(title: &str, approval: &Approval, side: Side) -> ApprovalNews {
    ApprovalNews {
        auction: approval.auction,
        title: title.to_owned(),
        side,
        status: approval.status,
        price: approval.price,
        counter: approval.counter,
        answer_by: approval.answer_by,
    }
}

async fn post(tx: &mut JobTx, org: OrgId, approval: &Approval, content: &Content) -> Result<(), MailError> {
    let people = traders(tx, org).await?;
    Ok(post_to(tx, &people, &approval.auction.to_string(), content).await?)
}
