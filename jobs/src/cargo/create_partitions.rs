use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Creates the event log's partitions for the coming months, drops the keys of years long past, and deletes old rejects.
/// A second run finds the partitions in place and nothing old.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatePartitions {
    /// How many months after the current one get a partition.
    pub months_ahead: u8,
    /// For how long, at least, an event that is reported again is recognised. Keys are dropped by the year, so it may be a year more;
    /// less than 365 is taken for 365.
    #[serde(default = "keep_keys_days")]
    pub keep_keys_days: u16,
    /// Rejects last seen longer ago than this are deleted.
    pub keep_rejects_days: u16,
    /// How many of the younger rejects are kept, the newest first.
    pub keep_rejects: u32,
}

impl Default for CreatePartitions {
    fn default() -> Self {
        Self { months_ahead: 3, keep_keys_days: keep_keys_days(), keep_rejects_days: 30, keep_rejects: 10_000 }
    }
}

/// What payloads mean that were written before there was a choice.
const fn keep_keys_days() -> u16 {
    400
}

impl Job for CreatePartitions {
    const KIND: Kind = Kind::new("cargo.partitions");
    const QUEUE: Queue = queues::CARGO;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(10), Duration::from_hours(1));
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("cargo.partitions", "0 30 3 * * *").payload(|| schedule::payload(&Self::default()))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
