use std::time::Duration;

use market::ids::PayoutId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Asks the provider to move what a seller has earned to the seller's account, and from there to the bank. After an answer that was
/// lost it asks what became of that call before it makes another; when the payout is decided, it does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendPayout {
    pub payout: PayoutId,
}

impl Job for SendPayout {
    const KIND: Kind = Kind::new("payouts.send");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(15)).until_age(Duration::from_hours(72));
    const TIMEOUT: Duration = Duration::from_mins(2);

    fn unique(&self) -> Unique {
        Unique::while_open(self.payout)
    }
}
