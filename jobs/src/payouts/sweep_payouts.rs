use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Finds payouts that nobody has decided for two minutes, accounts that nobody has opened, and those of which the provider has said
/// nothing for six hours, and enqueues the jobs that are missing: the backstop behind the jobs of each, and behind lost webhooks.
/// A second run finds them enqueued and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepPayouts {}

impl Job for SweepPayouts {
    const KIND: Kind = Kind::new("payouts.sweep");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(15)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("payouts.sweep", Duration::from_mins(1)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
