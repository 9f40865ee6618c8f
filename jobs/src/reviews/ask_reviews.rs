use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Asks the sides of orders that were completed three days ago to review each other, each once. A second run finds them asked and does
/// nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskReviews {}

impl Job for AskReviews {
    const KIND: Kind = Kind::new("reviews.ask");
    const QUEUE: Queue = queues::MAINTENANCE;
    /// An outage ends for all ticks at once: while it lasts, they meet this one job, which keeps trying.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(1)).forever();
    const TIMEOUT: Duration = Duration::from_mins(2);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("reviews.ask", Duration::from_mins(15)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
