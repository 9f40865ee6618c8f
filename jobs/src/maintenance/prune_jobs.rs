use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Deletes old finished jobs, with their attempts and log lines, in small batches, and workers that
/// stopped a week ago.
/// A second run finds nothing to delete.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneJobs {
    /// Succeeded and cancelled jobs older than this many hours are deleted.
    pub finished_after_hours: u32,
    /// Dead jobs are kept longer: people look at them.
    pub dead_after_hours: u32,
}

impl PruneJobs {
    /// A week of finished jobs, three months of dead ones.
    pub const DEFAULT: Self = Self { finished_after_hours: 7 * 24, dead_after_hours: 90 * 24 };
}

impl Job for PruneJobs {
    const KIND: Kind = Kind::new("jobs.prune");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("jobs.prune", "0 0 2 * * *").payload(|| schedule::payload(&Self::DEFAULT))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
