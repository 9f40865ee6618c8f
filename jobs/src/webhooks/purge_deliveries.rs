use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Forgets deliveries that have ended, with their attempts. A second run finds none and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeDeliveries {
    /// Ended for more than this many days.
    pub after_days: u32,
}

impl PurgeDeliveries {
    /// A month to find out that something was missed, and to have it replayed.
    pub const DEFAULT: Self = Self { after_days: 30 };
}

impl Job for PurgeDeliveries {
    const KIND: Kind = Kind::new("webhooks.purge");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("webhooks.purge", "0 35 2 * * *").payload(|| schedule::payload(&Self::DEFAULT))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
