use std::time::Duration;

use market::orders::model::AwardId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Ends an award that was not paid in time: its order expires, the buyer gets a strike, and the lot goes to its next bidder or back
/// to the seller. A second run finds it defaulted and does nothing; so does one that finds it paid.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultAward {
    pub award: AwardId,
}

impl Job for DefaultAward {
    const KIND: Kind = Kind::new("auctions.default");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.award)
    }
}
