use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Reminds the owners of organisations of documents that expire: 30 days before, 7 days before and on the last day, once each. A second
/// run finds them reminded and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemindDocuments {}

impl Job for RemindDocuments {
    const KIND: Kind = Kind::new("documents.remind");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("documents.remind", "0 20 6 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
