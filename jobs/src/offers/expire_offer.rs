use std::time::Duration;

use market::ids::OfferId;
use market::offers::model::{Offer, Party};
use market::offers::store::{self, Accepted, OfferError};
use market::orders::store as orders;
use queue::enqueue::{Enqueue, EnqueueError};
use queue::{Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::checkout::{ExpireCheckout, reminder};
use crate::queues;
use crate::webhooks::deliver;

/// Ends an offer that nobody has answered in time. A second run finds it ended and does nothing; one that was answered with other
/// terms has a later time.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireOffer {
    pub offer: OfferId,
}

impl Job for ExpireOffer {
    const KIND: Kind = Kind::new("offers.expire");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.offer)
    }
}

/// Enqueues the job that ends an offer which was just made; the job of an offer with newer terms waits longer by itself.
pub async fn await_answer(tx: &mut JobTx, offer: &Offer) -> Result<(), EnqueueError> {
    let _ = tx.enqueue_with(Enqueue::new(&ExpireOffer { offer: offer.id }).run_at(offer.expires_at)).await?;
    Ok(())
}

/// Why an offer was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Accepts an offer, and enqueues the jobs that remind its buyer to pay and that end its checkout when it is not paid in time.
pub async fn accept(tx: &mut JobTx, by: Party, id: OfferId, version: i32) -> Result<Accepted, AcceptError> {
    let accepted = store::accept(tx, by, id, version).await?;
    let order = orders::order(tx, by.org, accepted.order).await.map_err(OfferError::from)?;
    let order = order.ok_or(OfferError::NotFound)?;
    let mut jobs = vec![Enqueue::new(&ExpireCheckout { checkout: accepted.checkout }).run_at(order.pay_by)];
    jobs.extend(reminder(accepted.checkout, order.created_at, order.pay_by));
    tx.enqueue_all(jobs).await?;
    deliver(tx, &[accepted.order]).await?;
    Ok(accepted)
}
