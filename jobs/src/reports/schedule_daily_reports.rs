use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Requests yesterday's sales report for every approved seller whose day has ended in its own time zone.
/// A second run, also a late or an overlapping one, finds that day's report requested and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleDailyReports {}

impl Job for ScheduleDailyReports {
    const KIND: Kind = Kind::new("reports.daily");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// Some zones are 15, 30 or 45 minutes off the hour. The five minutes let transactions end that began before midnight: their
    /// orders carry the time of their beginning.
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("reports.daily", "0 5,20,35,50 * * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
