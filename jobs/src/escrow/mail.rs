//! Mail about payments and paid orders, to those who trade for the sides now.

use market::checkout::model::CheckoutStatus;
use market::checkout::store as checkouts;
use market::emails::model::{Content, DisputeOpened, OrderNews, OrderSettled, PaymentFailed, RefundPaid};
use market::emails::store::ToTraders;
use market::escrow::store::{self, Division};
use market::ids::{CheckoutId, PaymentId, RefundId};
use market::orders::model::{Order, OrderStatus, Side};
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::checkout::mail::{goods, more, other, title};
use crate::emails::{MailError, post_to, post_to_traders};

/// Posts what there is to say about an order that has become `history[0]`, and was what follows before that.
pub async fn post(tx: &mut JobTx, order: &Order, version: i64, history: &[OrderStatus]) -> Result<(), MailError> {
    use OrderStatus::{Accepted, Completed, Delivered, Disputed, InFulfilment, Paid, Refunded};
    let division = store::division(tx, order.id).await?.ok_or(MailError::Missing("what was paid for an order"))?;
    let both = [Side::Buyer, Side::Seller];
    let news = |side| news(order, &division, side);
    let settled = |side| settled(order, &division, side);
    match history {
        [Paid | InFulfilment | Delivered, Disputed, ..] => {
            send(tx, order, version, [Side::Seller], |side| Content::DisputeWithdrawn(news(side))).await
        }
        [Paid, ..] => send(tx, order, version, both, |side| Content::OrderPaid(news(side))).await,
        [InFulfilment, ..] => send(tx, order, version, [Side::Buyer], |side| Content::OrderShipped(news(side))).await,
        [Delivered, ..] => send(tx, order, version, both, |side| Content::OrderDelivered(news(side))).await,
        [Completed, Accepted, Disputed, ..] | [Refunded, Disputed, ..] => {
            send(tx, order, version, both, |side| Content::DisputeDecided(settled(side))).await
        }
        [Completed, ..] => send(tx, order, version, both, |side| Content::OrderCompleted(settled(side))).await,
        [Disputed, ..] => {
            let complaint = store::complaint(tx, order.id).await?;
            let (reason, text) = complaint.ok_or(MailError::Missing("the dispute about an order"))?;
            let opened = |side| DisputeOpened {
                order: order.id,
                side,
                other: other(order, side),
                title: title(order),
                more: more(order),
                payable: order.payable,
                reason,
                text: text.clone(),
            };
            send(tx, order, version, both, |side| Content::DisputeOpened(opened(side))).await
        }
        // What is refunded in another way is told when the buyer has it.
        _ => Ok(()),
    }
}

async fn send<const N: usize>(
    tx: &mut JobTx,
    order: &Order,
    version: i64,
    sides: [Side; N],
    content: impl Fn(Side) -> Content,
) -> Result<(), MailError> {
    let mails = sides.map(|side| {
        let org = match side {
            Side::Buyer => order.buyer_org_id,
            Side::Seller => order.seller_org_id,
        };
        ToTraders { org, reference: format!("{}:{version}", order.id), content: content(side) }
    });
    Ok(post_to_traders(tx, &mails).await?)
}

fn news(order: &Order, division: &Division, side: Side) -> OrderNews {
    OrderNews {
        order: order.id,
        side,
        other: other(order, side),
        title: title(order),
        more: more(order),
        payable: order.payable,
        inspect_until: division.inspect_until,
    }
}

fn settled(order: &Order, division: &Division, side: Side) -> OrderSettled {
    OrderSettled {
        order: order.id,
        side,
        other: other(order, side),
        title: title(order),
        more: more(order),
        payable: order.payable,
        refunded: division.refunded,
        earned: division.earned,
    }
}

/// Tells the buyer that an attempt to pay has failed, if another one is possible.
pub async fn payment_failed(tx: &mut JobTx, payment: PaymentId, checkout: CheckoutId) -> Result<(), MailError> {
    let Some(checkout) = checkouts::find(tx, checkout).await? else { return Ok(()) };
    if checkout.status != CheckoutStatus::Open {
        return Ok(());
    }
    let (title, more) = goods(&checkout)?;
    let content = Content::PaymentFailed(PaymentFailed {
        checkout: checkout.id,
        title,
        more,
        payable: checkout.payable,
        pay_by: checkout.pay_by,
    });
    let people = traders(tx, checkout.buyer_org_id).await?;
    Ok(post_to(tx, &people, &payment.to_string(), &content).await?)
}

/// Tells the buyer that money is back, if it is.
pub async fn refund_paid(tx: &mut JobTx, refund: RefundId) -> Result<(), MailError> {
    let Some(repaid) = store::repaid(tx, refund).await? else { return Ok(()) };
    let checkout = checkouts::find(tx, repaid.checkout).await?;
    let checkout = checkout.ok_or(MailError::Missing("the checkout of a refund"))?;
    let (title, more) = match checkout.orders.iter().find(|order| Some(order.id) == repaid.order) {
        Some(order) => (title(order), more(order)),
        None => goods(&checkout)?,
    };
    let content = Content::RefundPaid(RefundPaid { checkout: checkout.id, title, more, amount: repaid.amount });
    let people = traders(tx, checkout.buyer_org_id).await?;
    Ok(post_to(tx, &people, &refund.to_string(), &content).await?)
}
