use std::time::Duration;

use queue::schedule::{self, Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Tells the shippers of shipments on their way of which nothing was heard for too long. A second run finds them told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaleTracking {
    /// For how long nothing was heard, at least.
    pub silent_hours: u16,
}

impl Default for StaleTracking {
    fn default() -> Self {
        Self { silent_hours: 72 }
    }
}

impl Job for StaleTracking {
    const KIND: Kind = Kind::new("cargo.stale_tracking");
    const QUEUE: Queue = queues::CARGO;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(10), Duration::from_mins(10));
    const TIMEOUT: Duration = Duration::from_mins(2);
    const SCHEDULES: &'static [Schedule] = &[Schedule::every("cargo.stale_tracking", Duration::from_mins(10))
        .misfire(Misfire::Skip)
        .payload(|| schedule::payload(&Self::default()))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
