use std::time::Duration;

use market::ids::RefundId;
use market::invoices::model::InvoiceOf;
use queue::enqueue::{Enqueue, EnqueueError};
use queue::{Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::escrow::SendRefund;
use crate::queues;
use crate::webhooks::deliver_refunded;

/// Prints an invoice or a credit note as Factur-X, and sends it to the buyer.
/// A second run finds it printed and does nothing; one that died halfway left at most the file that the next one writes again,
/// byte by byte and under the same key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderInvoice {
    pub of: InvoiceOf,
}

impl Job for RenderInvoice {
    const KIND: Kind = Kind::new("invoices.render");
    const QUEUE: Queue = queues::REPORTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(2), Duration::from_mins(15)).until_age(Duration::from_hours(72));
    const TIMEOUT: Duration = Duration::from_mins(2);

    fn unique(&self) -> Unique {
        match self.of {
            InvoiceOf::Order(order) => Unique::while_open(order),
            InvoiceOf::Refund(refund) => Unique::while_open(refund),
            InvoiceOf::Document(id) => Unique::while_open(id),
        }
    }
}

/// Enqueues what follows from a refund of an order: the provider is asked for it, its credit note is printed, and the parties' systems
/// hear of an order that is refunded as a whole.
pub async fn repay(tx: &mut JobTx, refund: RefundId) -> Result<(), EnqueueError> {
    let note = RenderInvoice { of: InvoiceOf::Refund(refund) };
    tx.enqueue_each(vec![Enqueue::new(&SendRefund { refund }), Enqueue::new(&note)]).await?;
    deliver_refunded(tx, refund).await
}
