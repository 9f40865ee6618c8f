use std::time::Duration;

use market::ids::PlanChargeId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Takes the next step about a charge that nobody has paid: a reminder after 3, 7 and 12 days, the free plan after 14. A second run
/// finds the step taken and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DunCharge {
    pub charge: PlanChargeId,
}

impl Job for DunCharge {
    const KIND: Kind = Kind::new("plans.dun");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.charge)
    }
}
