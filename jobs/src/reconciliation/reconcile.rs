use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::schedule::Schedule;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Compares what the payment provider has with what is here, and writes down what differs. It mends nothing. A second run finds the
/// same differences written down and writes none of them again.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// What was made since then; absent: since three days ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// What was made before then; absent: up to a quarter of an hour ago, since what is younger may be on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl Job for Reconcile {
    const KIND: Kind = Kind::new("payments.reconcile");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_mins(1), Duration::from_hours(1)).until_age(Duration::from_hours(20));
    const TIMEOUT: Duration = Duration::from_hours(2);
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("payments.reconcile", "0 0 4 * * *")];

    fn unique(&self) -> Unique {
        Unique::while_open(format_args!("{:?}:{:?}", self.since, self.until))
    }
}
