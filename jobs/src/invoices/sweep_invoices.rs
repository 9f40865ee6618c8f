use std::time::Duration;

use queue::schedule::{Misfire, Schedule};
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Finds invoices and credit notes that were issued in the last seven days, more than an hour ago, and have no file, and enqueues the
/// jobs that are missing or have given up: the backstop behind the act that issues them. A job that is there keeps its time.
/// A second run finds the jobs there, and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepInvoices {}

impl Job for SweepInvoices {
    const KIND: Kind = Kind::new("invoices.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    /// An outage ends for all ticks at once: while it lasts, they meet this one job, which keeps trying.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(15)).forever();
    const TIMEOUT: Duration = Duration::from_mins(2);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("invoices.sweep", "0 55 * * * *").misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
