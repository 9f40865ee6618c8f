use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Deletes what lies in the object store for more than a day and is named by no row: files of attempts that died after the upload,
/// when their job was cancelled or gave up afterwards, and parts of uploads that nobody will end.
/// A second run finds none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepFiles {}

impl Job for SweepFiles {
    const KIND: Kind = Kind::new("files.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(15);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("files.sweep", "0 10 3 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
