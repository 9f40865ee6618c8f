use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Removes the files of reports that have expired; the figures stay.
/// A second run finds none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireReports {}

impl Job for ExpireReports {
    const KIND: Kind = Kind::new("reports.expire");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("reports.expire", "0 20 2 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
