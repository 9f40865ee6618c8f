use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Requests last week's inventory check for every approved seller that keeps stock, on Monday at six in its own time zone.
/// A second run, even a late or overlapping one, finds that week's report requested and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleWeeklyReports {}

impl Job for ScheduleWeeklyReports {
    const KIND: Kind = Kind::new("reports.weekly");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// Some zones are 15, 30 or 45 minutes off the hour.
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("reports.weekly", "0 7,22,37,52 * * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
