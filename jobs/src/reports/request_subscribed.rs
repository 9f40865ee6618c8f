use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Requests, for everybody who has subscribed to a report, the one of the last period that has ended in their organisation's time zone.
/// A second run, even a late or overlapping one, finds that period requested and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSubscribed {}

impl Job for RequestSubscribed {
    const KIND: Kind = Kind::new("reports.subscribed");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// Some zones are 15, 30 or 45 minutes off the hour.
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("reports.subscribed", "0 11,26,41,56 * * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
