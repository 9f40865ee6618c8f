use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Requests yesterday's sales report for every approved seller whose day has ended in its own time zone.
/// A second run, even a late or overlapping one, finds that day's report requested and does
/// nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleDailyReports {}

impl Job for ScheduleDailyReports {
    const KIND: Kind = Kind::new("reports.daily");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// Some zones are 15, 30 or 45 minutes off the hour. The five minutes let transactions that
    /// began before midnight end: their orders may carry a time before it.
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("reports.daily", "0 5,20,35,50 * * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
