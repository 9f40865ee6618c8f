use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Removes uploads that were announced and never completed, with whatever was sent.
/// A second run finds none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeUploads {}

impl Job for PurgeUploads {
    const KIND: Kind = Kind::new("uploads.purge_orphans");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("uploads.purge_orphans", "0 10 2 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
