//! Mail about reviews, to those who trade for the side that is to know. Whoever does not want it says so: everything here can be ended.

use chrono::{DateTime, Utc};
use market::emails::model::{Content, ReviewAsked, ReviewShown};
use market::ids::{OrderId, ReviewId};
use market::orders::model::{Order, Side};
use market::orders::store as orders;
use market::reviews::store;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::checkout::mail::{other, title};
use crate::emails::{MailError, post_to};

/// Asks these sides of a completed order what they say about the other one.
pub async fn asked(tx: &mut JobTx, order: OrderId, sides: &[Side], until: DateTime<Utc>) -> Result<(), MailError> {
    let order = orders::find(tx, order).await?.ok_or(MailError::Missing("an order to review"))?;
    for &side in sides {
        let content = Content::ReviewAsked(ReviewAsked {
            order: order.id,
            side,
            other: other(&order, side),
            title: title(&order),
            more: more(&order),
            until,
        });
        let org = match side {
            Side::Buyer => order.buyer_org_id,
            Side::Seller => order.seller_org_id,
        };
        let people = traders(tx, org).await?;
        let reference = format!("{}:{}", order.id, label(side));
        post_to(tx, &people, &reference, &content).await?;
    }
    Ok(())
}

const fn label(side: Side) -> &'static str {
    match side {
        Side::Buyer => "buyer",
        Side::Seller => "seller",
    }
}

/// Tells those whom reviews are about that they are shown.
pub async fn shown(tx: &mut JobTx, reviews: &[ReviewId]) -> Result<(), MailError> {
    for &id in reviews {
        let review = store::find(tx, id).await?.ok_or(MailError::Missing("a review"))?;
        let order = orders::find(tx, review.order).await?.ok_or(MailError::Missing("the order of a review"))?;
        let content = Content::ReviewShown(ReviewShown {
            order: order.id,
            side: across(review.side),
            other: review.author_name.clone(),
            title: title(&order),
            more: more(&order),
            stars: i64::from(review.stars),
            text: review.text.clone(),
        });
        let people = traders(tx, review.subject_org_id).await?;
        post_to(tx, &people, &id.to_string(), &content).await?;
    }
    Ok(())
}

const fn across(side: Side) -> Side {
    match side {
        Side::Buyer => Side::Seller,
        Side::Seller => Side::Buyer,
    }
}

fn more(order: &Order) -> usize {
    order.lines.len().saturating_sub(1)
}
