use std::time::Duration;

use market::escrow::store::InboxId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Asks the provider about what a webhook names, and does what follows from the answer. A second run finds the webhook applied
/// and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyWebhook {
    pub webhook: InboxId,
}

impl Job for ApplyWebhook {
    const KIND: Kind = Kind::new("payments.webhook");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(15)).until_age(Duration::from_hours(72));
    const TIMEOUT: Duration = Duration::from_mins(1);

    fn unique(&self) -> Unique {
        Unique::while_open(self.webhook.0)
    }
}
