use std::time::Duration;

use market::ids::PlanSubscriptionId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Begins the term after this one, with what is owed for it, or ends the subscription if it was to end. A second run finds that the
/// term is another one and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewPlan {
    pub subscription: PlanSubscriptionId,
    /// The number of the term that is over.
    pub term: i32,
}

impl Job for RenewPlan {
    const KIND: Kind = Kind::new("plans.renew");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(format!("{}:{}", self.subscription, self.term))
    }
}
