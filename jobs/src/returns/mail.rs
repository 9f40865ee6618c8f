//! Mail about returns, posted in the transaction of each step, to those who trade for the side that is to know.

use market::emails::model::{Content, ReturnNews};
use market::ids::ReturnId;
use market::orders::model::{Order, Side};
use market::orders::store as orders;
use market::returns::model::{Return, ReturnStatus};
use market::returns::store;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::checkout::mail::other;
use crate::emails::{MailError, post_to};

/// Tells the side that did not act what the return has become. Both sides hear of goods that count as received because nobody has
/// said so in time.
pub async fn step(tx: &mut JobTx, id: ReturnId) -> Result<(), MailError> {
    let found = store::find(tx, id).await?.ok_or(MailError::Missing("a return"))?;
    let order = orders::find(tx, found.order).await?.ok_or(MailError::Missing("the order of a return"))?;
    let (reader, content): (Side, fn(ReturnNews) -> Content) = match found.status {
        ReturnStatus::Requested => (Side::Seller, Content::ReturnRequested),
        ReturnStatus::Approved => (Side::Buyer, Content::ReturnApproved),
        ReturnStatus::Refused => (Side::Buyer, Content::ReturnRefused),
        ReturnStatus::InTransit => (Side::Seller, Content::ReturnSent),
        ReturnStatus::Received | ReturnStatus::Refunded => (Side::Buyer, Content::ReturnReceived),
        // The buyer has done that, or has not done anything.
        ReturnStatus::Cancelled | ReturnStatus::Lapsed => return Ok(()),
    };
    post(tx, &found, &order, reader, content).await?;
    if found.received_by_time {
        post(tx, &found, &order, Side::Seller, content).await?;
    }
    Ok(())
}

async fn post(
    tx: &mut JobTx,
    found: &Return,
    order: &Order,
    reader: Side,
    content: fn(ReturnNews) -> Content,
) -> Result<(), MailError> {
    let org = match reader {
        Side::Buyer => order.buyer_org_id,
        Side::Seller => order.seller_org_id,
    };
    let people = traders(tx, org).await?;
    Ok(post_to(tx, &people, &found.id.to_string(), &content(news(found, order, reader))).await?)
}

/// As this side reads it.
fn news(found: &Return, order: &Order, reader: Side) -> ReturnNews {
    let words = match found.status {
        ReturnStatus::Requested => found.text.clone(),
        ReturnStatus::Approved | ReturnStatus::Refused => found.note.clone(),
        _ => None,
    };
    ReturnNews {
        order: order.id,
        side: reader,
        other: other(order, reader),
        title: found.lines.first().map(|line| line.title.clone()).unwrap_or_default(),
        more: found.lines.len().saturating_sub(1),
        units: found.lines.iter().map(|line| line.quantity).sum(),
        reason: found.reason,
        words,
        tracking: found.tracking.clone(),
        due_at: found.due_at,
        share: found.share,
        refunded: found.refunded,
        by_time: found.received_by_time,
    }
}
