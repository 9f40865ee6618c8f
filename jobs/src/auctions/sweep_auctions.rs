use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kit::schedule::{Misfire, Schedule};
use crate::kit::{Job, Kind, Queue, Retry, Unique};
use crate::queues;

/// Finds auctions whose start or end has passed and that nobody opened or closed, and enqueues what is missing: the backstop
/// behind the exact timers. A second run finds the jobs there and adds none.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepAuctions {}

impl Job for SweepAuctions {
    const KIND: Kind = Kind::new("auctions.sweep");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::never();
    const TIMEOUT: Duration = Duration::from_secs(30);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("auctions.sweep", Duration::from_secs(15)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
