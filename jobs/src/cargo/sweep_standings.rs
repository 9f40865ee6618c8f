use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Ranks the shipments anew whose events were ahead of time and count by now. Whoever asks for a standing is answered rightly before;
/// this writes it down. A second run finds nothing out of date.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepStandings {}

impl Job for SweepStandings {
    const KIND: Kind = Kind::new("cargo.sweep");
    const QUEUE: Queue = queues::CARGO;
    /// An outage ends for all ticks at once: while it lasts, they meet this one job, which keeps trying.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(1)).forever();
    const TIMEOUT: Duration = Duration::from_mins(2);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("cargo.sweep", Duration::from_mins(5)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
