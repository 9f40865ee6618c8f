use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Moves the months of the event log that are old enough to the object store: written, read back, listed, dropped.
/// A second run finds them gone; one after a crash writes the same objects again and goes on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEvents {
    /// How many whole months before the present one stay in the log; less than 12 is refused by the database.
    pub keep_months: u16,
    /// The most events in one object.
    pub part_events: u32,
}

impl Default for ArchiveEvents {
    /// As long as an event may still be reported, it can be corrected in the log.
    fn default() -> Self {
        Self { keep_months: 24, part_events: 5_000_000 }
    }
}

impl Job for ArchiveEvents {
    const KIND: Kind = Kind::new("cargo.archive");
    const QUEUE: Queue = queues::CARGO;
    const RETRY: Retry = Retry::exponential(Duration::from_mins(1), Duration::from_hours(6));
    const TIMEOUT: Duration = Duration::from_hours(12);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("cargo.archive", "0 45 3 * * *").payload(|| schedule::payload(&Self::default()))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
