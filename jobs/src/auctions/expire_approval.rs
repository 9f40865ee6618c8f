use std::time::Duration;

use market::ids::AuctionId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Ends a sale on approval that was not answered in time: the lot is not sold. While there is time, because the seller has named
/// another amount, it waits for that; a second run finds it decided and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireApproval {
    pub auction: AuctionId,
}

impl Job for ExpireApproval {
    const KIND: Kind = Kind::new("auctions.expire_approval");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.auction)
    }
}
