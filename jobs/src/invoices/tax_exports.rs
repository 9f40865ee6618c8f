use std::time::Duration;

use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Taxes exports that nobody has proved within 30 days: a credit note takes back the invoice, and one with the tax takes its place. A
/// second run finds them taxed and does nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxExports {}

impl Job for TaxExports {
    const KIND: Kind = Kind::new("invoices.tax_exports");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_mins(10);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("invoices.tax_exports", "0 40 3 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}
