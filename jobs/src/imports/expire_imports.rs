use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Removes the files of imports that have expired, and what became of each row; the figures stay.
/// A second run finds none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireImports {}

impl Job for ExpireImports {
    const KIND: Kind = Kind::new("imports.expire");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("imports.expire", "0 25 2 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
