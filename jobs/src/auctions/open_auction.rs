use std::time::Duration;

use market::ids::AuctionId;
use queue::{Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Opens an auction whose start has come. A second run finds it open and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAuction {
    pub auction: AuctionId,
}

impl Job for OpenAuction {
    const KIND: Kind = Kind::new("auctions.open");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const PRIORITY: Priority = Priority::High;

    fn unique(&self) -> Unique {
        Unique::while_open(self.auction)
    }
}
