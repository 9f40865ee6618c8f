use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use market::ids::CheckoutId;
use queue::{Enqueue, Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// What there is to say about a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Placed,
    /// Its time to pay ends in a day.
    Reminder,
    Expired,
    Cancelled,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placed => "placed",
            Self::Reminder => "reminder",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        })
    }
}

/// Writes to the buyer and the sellers of a checkout, after the act: nobody waits for others' mail. A second run posts nothing:
/// there is one mail per (template, recipient, order or checkout).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyParties {
    pub checkout: CheckoutId,
    pub news: News,
}

impl Job for NotifyParties {
    const KIND: Kind = Kind::new("checkout.notify");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(5)).until_age(Duration::from_hours(24 * 90));
    /// Bidders are waiting for the other jobs.
    const PRIORITY: Priority = Priority::Low;

    fn unique(&self) -> Unique {
        Unique::while_open(format_args!("{}:{}", self.checkout, self.news))
    }
}

/// How long before the end of its time to pay a buyer is reminded.
const NOTICE: TimeDelta = TimeDelta::hours(24);

/// The job that reminds the buyer a day before the time to pay ends, if there is more than a day.
#[must_use]
pub fn reminder(checkout: CheckoutId, created_at: DateTime<Utc>, pay_by: DateTime<Utc>) -> Option<Enqueue> {
    let due = pay_by - NOTICE;
    let job = NotifyParties { checkout, news: News::Reminder };
    (due > created_at).then(|| Enqueue::new(&job).run_at(due))
}
