use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Forgets old notices, read or not. A second run finds none and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeNotices {
    /// Made more than this many days ago.
    pub after_days: u32,
}

impl PurgeNotices {
    /// What nobody has read for a season is no news any more.
    pub const DEFAULT: Self = Self { after_days: 90 };
}

impl Job for PurgeNotices {
    const KIND: Kind = Kind::new("notices.purge");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("notices.purge", "0 45 2 * * *").payload(|| schedule::payload(&Self::DEFAULT))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
