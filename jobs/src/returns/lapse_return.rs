use std::time::Duration;

use market::ids::ReturnId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Lets time decide about a return: approves a request that nobody has answered, ends an approved one that was not sent, and takes
/// what was sent as received. A second run finds it decided, or due later, and does nothing; so does one that finds a dispute.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LapseReturn {
    #[serde(rename = "return")]
    pub id: ReturnId,
}

impl Job for LapseReturn {
    const KIND: Kind = Kind::new("returns.lapse");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.id)
    }
}
