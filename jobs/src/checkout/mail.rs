//! Mail about orders, to those who trade for the buyer and for each seller now.

use market::checkout::model::Checkout;
use market::emails::model::{Content, OrderEnded, OrderPlaced, OrderWrittenOff, PaymentReminder};
use market::emails::store::ToTraders;
use market::ids::OrderId;
use market::orders::model::{Order, Side};
use market::orders::store as orders;
use market::standing::store as standing;
use queue::JobTx;

use super::News;
use crate::emails::{MailError, post_to_traders};

/// Posts what there is to say about the checkout.
pub async fn post(tx: &mut JobTx, news: News, checkout: &Checkout) -> Result<(), MailError> {
    if news == News::Reminder {
        return remind(tx, checkout).await;
    }
    let mut mails = Vec::with_capacity(2 * checkout.orders.len());
    for order in &checkout.orders {
        for (side, org) in [(Side::Buyer, order.buyer_org_id), (Side::Seller, order.seller_org_id)] {
            let content = match news {
                News::Placed => Content::OrderPlaced(placed(order, side)),
                News::Cancelled => Content::OrderCancelled(ended(order, side)),
                News::Expired | News::Reminder => Content::OrderExpired(ended(order, side)),
            };
            mails.push(ToTraders { org, reference: order.id.to_string(), content });
        }
    }
    Ok(post_to_traders(tx, &mails).await?)
}

async fn remind(tx: &mut JobTx, checkout: &Checkout) -> Result<(), MailError> {
    let (title, more) = goods(checkout)?;
    let content = Content::PaymentReminder(PaymentReminder {
        checkout: checkout.id,
        title,
        more,
        payable: checkout.payable,
        pay_by: checkout.pay_by,
    });
    let mail = ToTraders { org: checkout.buyer_org_id, reference: checkout.id.to_string(), content };
    Ok(post_to_traders(tx, &[mail]).await?)
}

/// Tells both sides that the seller has given an order up, and the buyer what follows for them; once.
pub(super) async fn written_off(tx: &mut JobTx, order: OrderId, reason: &str) -> Result<(), MailError> {
    let order = orders::find(tx, order).await?.ok_or(MailError::Missing("an order that is written off"))?;
    let standing = standing::standing(tx, order.buyer_org_id).await?;
    let about = |side| OrderWrittenOff {
        order: order.id,
        side,
        other: other(&order, side),
        title: title(&order),
        more: more(&order),
        payable: order.payable,
        reason: reason.to_owned(),
        most_auctions: None,
        barred_until: None,
    };
    let buyer = OrderWrittenOff {
        most_auctions: standing.most_auctions,
        barred_until: standing.barred_until,
        ..about(Side::Buyer)
    };
    let mails = [(order.buyer_org_id, buyer), (order.seller_org_id, about(Side::Seller))];
    let mails = mails.map(|(org, it)| ToTraders {
        org,
        reference: order.id.to_string(),
        content: Content::OrderWrittenOff(it),
    });
    Ok(post_to_traders(tx, &mails).await?)
}

fn placed(order: &Order, side: Side) -> OrderPlaced {
    OrderPlaced {
        order: order.id,
        side,
        other: other(order, side),
        title: title(order),
        more: more(order),
        payable: order.payable,
        pay_by: order.pay_by,
    }
}

fn ended(order: &Order, side: Side) -> OrderEnded {
    OrderEnded {
        order: order.id,
        side,
        other: other(order, side),
        title: title(order),
        more: more(order),
        payable: order.payable,
    }
}

/// The name of the party that is not on this side.
pub(crate) fn other(order: &Order, side: Side) -> String {
    match side {
        Side::Buyer => order.seller_name.clone(),
        Side::Seller => order.buyer_name.clone(),
    }
}

/// Of the first line.
pub(crate) fn title(order: &Order) -> String {
    order.lines.first().map(|line| line.title.clone()).unwrap_or_default()
}

/// How many lines an order has besides the first.
pub(crate) fn more(order: &Order) -> usize {
    order.lines.len().saturating_sub(1)
}

/// The first line's title, and how many lines there are besides, with all sellers.
pub(crate) fn goods(checkout: &Checkout) -> Result<(String, usize), MailError> {
    let first = checkout.orders.first().ok_or(MailError::Missing("the order of a checkout"))?;
    let lines = checkout.orders.iter().map(|order| order.lines.len()).sum::<usize>();
    Ok((title(first), lines.saturating_sub(1)))
}
