use std::time::Duration;

use market::ids::AuctionId;
use queue::{Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Closes an auction whose end has passed: award, order, mails. A second run finds it closed and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseAuction {
    pub auction: AuctionId,
}

impl Job for CloseAuction {
    const KIND: Kind = Kind::new("auctions.close");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    /// Bidders wait for the result.
    const PRIORITY: Priority = Priority::Urgent;

    fn unique(&self) -> Unique {
        Unique::while_open(self.auction)
    }
}
