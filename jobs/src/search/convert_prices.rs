use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Converts the prices that searches compare by the newest exchange rates. A second run finds them converted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvertPrices {}

impl Job for ConvertPrices {
    const KIND: Kind = Kind::new("search.convert_prices");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// Soon after the rates have come; every hour, because a listing may be published by older rates while this runs.
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("search.convert_prices", "0 20 * * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
