use std::time::Duration;

use market::ids::OrderId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Shows what one side has written about an order when the other one has not written for seven days. A second run finds it shown and
/// does nothing; so does one that finds that both have written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowReviews {
    pub order: OrderId,
}

impl Job for ShowReviews {
    const KIND: Kind = Kind::new("reviews.show");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.order)
    }
}
