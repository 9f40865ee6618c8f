use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Finds payments and refunds that nobody has decided for two minutes, webhooks that nobody has applied, and orders whose time
/// of inspection is over, and enqueues the jobs that are missing: the backstop behind the jobs of each. A second run finds them
/// enqueued and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepPayments {}

impl Job for SweepPayments {
    const KIND: Kind = Kind::new("payments.sweep");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(15)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("payments.sweep", Duration::from_mins(1)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
