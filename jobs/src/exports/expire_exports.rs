use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Removes the files of exports that have expired.
/// A second run finds none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireExports {}

impl Job for ExpireExports {
    const KIND: Kind = Kind::new("exports.expire");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("exports.expire", "0 50 * * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
