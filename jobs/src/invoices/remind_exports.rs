use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Reminds sellers of exports that nobody has proved and that are taxed within a week, once each. A second run finds them reminded and
/// does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemindExports {}

impl Job for RemindExports {
    const KIND: Kind = Kind::new("invoices.remind_exports");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("invoices.remind_exports", "0 25 6 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
