use std::time::Duration;

use chrono_tz::Tz;
use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Stores the newest exchange rates. A second run finds them stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshRates {}

impl Job for RefreshRates {
    const KIND: Kind = Kind::new("fx.refresh");
    const QUEUE: Queue = queues::MAINTENANCE;
    /// By the morning after, the next run is near.
    const RETRY: Retry =
        Retry::exponential(Duration::from_mins(1), Duration::from_hours(1)).until_age(Duration::from_hours(12));
    const TIMEOUT: Duration = Duration::from_mins(2);
    /// The European Central Bank publishes about 16:00 on working days; the later runs are for days when it is late.
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("fx.refresh", "0 15 16-19 * * MON-FRI").zone(Tz::Europe__Berlin)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
