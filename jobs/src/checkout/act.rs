//! Placing and cancelling, with the jobs that follow.

use chrono::TimeDelta;
use market::checkout::model::{Checkout, CheckoutLine};
use market::checkout::store::{self, CheckoutError, Ended, basket};
use market::ids::{CheckoutId, OrderId};
use market::offers::model::Party;
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};
use shared::ids::{OrgId, UserId};
use shared::money::Money;

use super::{ExpireCheckout, News, NotifyParties, mail, reminder};
use crate::emails::MailError;
use crate::webhooks::deliver;
use crate::{shipments, stock};

/// Why nothing was ordered, cancelled or written off.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Shipment(#[from] shipments::ActError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Orders these lines for `buyer`, and enqueues the jobs that tell both sides and that end the checkout when it is not paid within
/// `term`.
pub async fn place(
    tx: &mut JobTx,
    buyer: OrgId,
    by: UserId,
    lines: &[CheckoutLine],
    term: TimeDelta,
) -> Result<Checkout, ActError> {
    let id = store::place(tx, buyer, by, lines, term).await?;
    let placed = store::checkout(tx, buyer, id).await.map_err(CheckoutError::from)?.ok_or(CheckoutError::NotFound)?;
    let mut jobs = vec![
        Enqueue::new(&ExpireCheckout { checkout: id }).run_at(placed.pay_by),
        Enqueue::new(&NotifyParties { checkout: id, news: News::Placed }),
    ];
    // All of them are paid at once.
    jobs.extend(placed.orders.first().and_then(|order| reminder(id, order.created_at, order.pay_by)));
    tx.enqueue_all(jobs).await?;
    let orders: Vec<_> = placed.orders.iter().map(|order| order.id).collect();
    deliver(tx, &orders).await?;
    Ok(placed)
}

/// Cancels an unpaid checkout of `buyer` by the wish of `by`, and enqueues the job that tells both sides.
pub async fn cancel(tx: &mut JobTx, buyer: OrgId, by: UserId, id: CheckoutId) -> Result<Checkout, ActError> {
    let ended = store::cancel(tx, buyer, by, id).await?;
    let _ = tx.enqueue(&NotifyParties { checkout: id, news: News::Cancelled }).await?;
    after(tx, &ended).await?;
    Ok(store::checkout(tx, buyer, id).await.map_err(CheckoutError::from)?.ok_or(CheckoutError::NotFound)?)
}

/// Gives up a trade that its seller was not paid for, and tells both sides.
pub async fn write_off(tx: &mut JobTx, by: Party, order: OrderId, reason: &str) -> Result<(), ActError> {
    let ended = store::write_off(tx, by, order, reason).await?;
    for moved in &ended.moved {
        stock::mail::moved(tx, moved).await?;
    }
    mail::written_off(tx, order, reason).await?;
    after(tx, &ended).await
}

/// What follows from every end of a checkout that was not paid: subscribers hear of its orders, and the event log of what was packed of
/// them and does not leave.
pub async fn after(tx: &mut JobTx, ended: &Ended) -> Result<(), ActError> {
    for done in &ended.called_off {
        shipments::after(tx, done, None).await?;
    }
    deliver(tx, &ended.orders).await?;
    Ok(())
}

/// Orders what `by` has put aside for `buyer` in the currency of `total`, and takes it out of the basket. `total` is what the buyer
/// was shown: another one meanwhile is refused, not charged.
pub async fn place_basket(
    tx: &mut JobTx,
    buyer: OrgId,
    by: UserId,
    total: Money,
    term: TimeDelta,
) -> Result<Checkout, ActError> {
    let kept = basket::basket(tx, buyer, by).await.map_err(CheckoutError::from)?;
    let now = kept.total(total.currency()).ok_or(CheckoutError::Empty)?;
    if now != total {
        return Err(CheckoutError::TotalChanged(now).into());
    }
    let lines = kept.in_currency(total.currency());
    let placed = place(tx, buyer, by, &lines, term).await?;
    let bought: Vec<_> = lines.iter().map(|line| line.listing).collect();
    basket::take_out(tx, buyer, by, &bought).await.map_err(CheckoutError::from)?;
    Ok(placed)
}
