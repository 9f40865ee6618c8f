use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Deletes the stored answers to requests with an `Idempotency-Key` once they are old, in small
/// batches.
/// A second run finds nothing to delete.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeIdempotencyKeys {
    /// Older than this many hours; a client that tries again later than that has its request
    /// carried out again.
    pub after_hours: u32,
}

impl PurgeIdempotencyKeys {
    /// A long weekend.
    pub const DEFAULT: Self = Self { after_hours: 3 * 24 };
}

impl Job for PurgeIdempotencyKeys {
    const KIND: Kind = Kind::new("idempotency.purge");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("idempotency.purge", "0 5 2 * * *").payload(|| schedule::payload(&Self::DEFAULT))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
