use std::time::Duration;

use market::ids::SecondChanceId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Ends an offer to the next bidder that was not answered in time: the lot goes to the one after, or back to the seller. A second
/// run finds it decided and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireSecondChance {
    pub chance: SecondChanceId,
}

impl Job for ExpireSecondChance {
    const KIND: Kind = Kind::new("auctions.expire_second_chance");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.chance)
    }
}
