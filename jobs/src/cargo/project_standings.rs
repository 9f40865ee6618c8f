use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Moves the shipments of ours where the log says they are, by the marks that events have left. One job for all that were recorded
/// together, however many they are; the schedule carries over what was handed to nobody. A second run finds no mark, or shipments that
/// are there already.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectStandings {
    /// The number of the marks; without one, those that are overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<i64>,
}

impl Job for ProjectStandings {
    const KIND: Kind = Kind::new("cargo.project");
    const QUEUE: Queue = queues::CARGO;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(1)).forever();
    const TIMEOUT: Duration = Duration::from_mins(2);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("cargo.project", Duration::from_secs(15)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        match self.change {
            Some(change) => Unique::while_open(change),
            None => Unique::while_open("overdue"),
        }
    }
}
