use std::time::Duration;

use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Has every picture made anew whose files are of an older recipe: a few at a time, behind what people upload, with its progress.
/// A second run goes on behind the last picture that the first one handed over.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReprocessImages {}

impl Job for ReprocessImages {
    const KIND: Kind = Kind::new("images.reprocess");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(5)).max_attempts(20);

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
