use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Enqueues a job for each subscription whose term is over, for each charge about which something is to be done, and for payments that
/// nobody has decided. A second run finds the jobs there, and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepPlans {}

impl Job for SweepPlans {
    const KIND: Kind = Kind::new("plans.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    /// An outage ends for all ticks at once: while it lasts, they meet this one job, which keeps trying.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(15)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("plans.sweep", Duration::from_mins(5)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
