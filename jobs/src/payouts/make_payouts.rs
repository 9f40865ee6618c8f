use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Begins one payout for each seller and currency with something due, and goes on with those that wait. A second run, or one at the
/// same time, finds the payouts begun and begins no other.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakePayouts {}

impl Job for MakePayouts {
    const KIND: Kind = Kind::new("payouts.run");
    const QUEUE: Queue = queues::PAYMENTS;
    /// By then the next day's run is near.
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(15)).until_age(Duration::from_hours(20));
    const TIMEOUT: Duration = Duration::from_hours(1);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("payouts.run", "0 0 3 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
