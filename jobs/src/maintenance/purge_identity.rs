use std::time::Duration;

use queue::schedule::{self, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Deletes sessions, tokens and counts of failed logins that have been over for a while, in small
/// batches.
/// A second run finds nothing to delete.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeIdentity {
    /// Over for more than this many days.
    pub after_days: u32,
}

impl PurgeIdentity {
    /// A month, for whoever investigates an incident.
    pub const DEFAULT: Self = Self { after_days: 30 };
}

impl Job for PurgeIdentity {
    const KIND: Kind = Kind::new("identity.purge");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(5);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::cron("identity.purge", "0 15 2 * * *").payload(|| schedule::payload(&Self::DEFAULT))];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
