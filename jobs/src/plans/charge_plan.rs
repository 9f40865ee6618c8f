use std::time::Duration;

use market::ids::PaymentId;
use queue::{Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Asks the provider for what an organisation owes for its plan. After an answer that was lost it asks what became of the first call
/// before it makes another; when the payment is decided, it does nothing. One that its payer does not confirm for a day is cancelled.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargePlan {
    pub payment: PaymentId,
}

impl Job for ChargePlan {
    const KIND: Kind = Kind::new("plans.charge");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(15)).until_age(Duration::from_hours(72));
    const TIMEOUT: Duration = Duration::from_mins(1);
    /// Somebody waits.
    const PRIORITY: Priority = Priority::Urgent;

    fn unique(&self) -> Unique {
        Unique::while_open(self.payment)
    }
}
