use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Deletes files of documents that were replaced or removed. A second run finds none.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepDocuments {}

impl Job for SweepDocuments {
    const KIND: Kind = Kind::new("documents.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("documents.sweep", "0 25 2 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
