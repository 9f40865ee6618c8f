use std::time::Duration;

use chrono::TimeDelta;
use market::checkout::model::{Checkout, CheckoutLine};
use market::checkout::store::{self, CheckoutError};
use market::ids::CheckoutId;
use queue::enqueue::{Enqueue, EnqueueError};
use queue::{Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};

use crate::queues;

/// Ends a checkout that nobody has paid in time and makes what it had reserved available again. A second run finds it ended and
/// does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireCheckout {
    pub checkout: CheckoutId,
}

impl Job for ExpireCheckout {
    const KIND: Kind = Kind::new("checkout.expire");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.checkout)
    }
}

/// Why nothing was ordered.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Orders these lines for `buyer`, and enqueues the job that ends the checkout when it is not paid within `term`.
pub async fn place(
    tx: &mut JobTx,
    buyer: OrgId,
    by: UserId,
    lines: &[CheckoutLine],
    term: TimeDelta,
) -> Result<Checkout, PlaceError> {
    let id = store::place(tx, buyer, by, lines, term).await?;
    let placed = store::checkout(tx, buyer, id).await.map_err(CheckoutError::from)?.ok_or(CheckoutError::NotFound)?;
    let _ = tx.enqueue_with(Enqueue::new(&ExpireCheckout { checkout: id }).run_at(placed.pay_by)).await?;
    Ok(placed)
}
