use std::time::Duration;

use market::ids::RefundId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Asks the provider to give money back to a buyer. After an answer that was lost it asks what became of the first call before
/// it makes another; when the refund is decided, it does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendRefund {
    pub refund: RefundId,
}

impl Job for SendRefund {
    const KIND: Kind = Kind::new("payments.refund");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(15)).until_age(Duration::from_hours(72));
    const TIMEOUT: Duration = Duration::from_mins(1);

    fn unique(&self) -> Unique {
        Unique::while_open(self.refund)
    }
}
