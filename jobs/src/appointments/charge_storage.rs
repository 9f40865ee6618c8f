use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Books what keeping goods costs that nobody has collected, each day once, and tells both sides when it begins. A second run finds the
/// days booked.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargeStorage {}

impl Job for ChargeStorage {
    const KIND: Kind = Kind::new("appointments.charge_storage");
    const QUEUE: Queue = queues::PAYMENTS;
    /// An outage ends for all ticks at once: while it lasts, they meet this one job, which keeps trying.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(1)).forever();
    const TIMEOUT: Duration = Duration::from_mins(2);
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("appointments.charge_storage", Duration::from_mins(10)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
