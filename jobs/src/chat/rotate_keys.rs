use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Seals with the first key of `CHAT_KEY` the conversations' keys that another one has sealed, a batch at a time, while everything
/// runs. A second run finds none and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {}

impl Job for RotateKeys {
    const KIND: Kind = Kind::new("chat.rotate_keys");
    const QUEUE: Queue = queues::CHAT;
    /// A worker that does not know a key yet is restarted with it; one that never does is for a person to see.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(5), Duration::from_mins(5)).max_attempts(20);
    /// Longer than one turn of the handler.
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("chat.rotate_keys", "0 30 4 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
