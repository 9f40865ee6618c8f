use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Finds deliveries that nobody has enqueued, and those whose job was lost, and enqueues their jobs: the backstop behind the acts. A
/// second run finds them enqueued and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepDeliveries {}

impl Job for SweepDeliveries {
    const KIND: Kind = Kind::new("webhooks.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(15)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("webhooks.sweep", Duration::from_mins(1)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
