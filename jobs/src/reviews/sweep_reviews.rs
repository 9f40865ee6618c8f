use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Finds reviews that are due and not shown, enqueues the jobs that are missing and makes those that wait for a later time run now:
/// the backstop behind the exact timers. A second run finds the jobs there and due, and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepReviews {}

impl Job for SweepReviews {
    const KIND: Kind = Kind::new("reviews.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    /// An outage ends for all ticks at once: while it lasts, they meet this one job, which keeps trying.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(15)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("reviews.sweep", Duration::from_mins(15)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
