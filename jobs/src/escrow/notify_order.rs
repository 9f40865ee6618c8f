use std::time::Duration;

use market::ids::OrderId;
use market::orders::store;
use queue::enqueue::{Enqueue, EnqueueError};
use queue::{Job, JobTx, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;
use crate::webhooks::deliver;

/// Writes to those whom it concerns that a paid order has become something else, after the act: nobody waits for others' mail. A
/// second run posts nothing: there is one mail per (template, recipient, order and version).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyOrder {
    pub order: OrderId,
    /// Which of the order's events it is.
    pub version: i64,
}

impl Job for NotifyOrder {
    const KIND: Kind = Kind::new("escrow.notify");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(5)).until_age(Duration::from_hours(24 * 90));
    /// Bidders are waiting for the other jobs.
    const PRIORITY: Priority = Priority::Low;

    fn unique(&self) -> Unique {
        Unique::while_open(format_args!("{}:{}", self.order, self.version))
    }
}

/// Enqueues the mails and the webhooks about what an order has become in this transaction.
pub async fn notify(tx: &mut JobTx, order: OrderId) -> Result<(), EnqueueError> {
    let version = store::version(tx, order).await?;
    notify_with(tx, order, version, Vec::new()).await
}

/// [`notify`] of an order that the act has left at `version`, with the other jobs of the act in one statement.
pub async fn notify_with(
    tx: &mut JobTx,
    order: OrderId,
    version: i64,
    mut jobs: Vec<Enqueue>,
) -> Result<(), EnqueueError> {
    jobs.push(Enqueue::new(&NotifyOrder { order, version }));
    tx.enqueue_each(jobs).await?;
    deliver(tx, &[order]).await
}
