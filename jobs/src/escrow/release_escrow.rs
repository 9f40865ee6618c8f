use std::time::Duration;

use market::ids::OrderId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Accepts an order that nobody has found fault with in time: what is held becomes the seller's. A second run finds it decided
/// and does nothing; so does one that finds a dispute.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseEscrow {
    pub order: OrderId,
}

impl Job for ReleaseEscrow {
    const KIND: Kind = Kind::new("escrow.release");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.order)
    }
}
