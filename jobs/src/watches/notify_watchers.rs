use std::time::Duration;

use market::ids::ListingId;
use queue::{Job, Kind, Priority, Queue, Retry};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::queues;

/// What happened to a listing that people watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchNews {
    /// It costs less now.
    PriceFell { was: Money, now: Money },
    /// It lists again what ended; the watches of that one move along.
    Relisted { of: ListingId },
}

/// Notifies those who watch a listing by mail. A second run posts nothing: there is one mail per (template, recipient, listing and
/// price), and a watch moves along once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyWatchers {
    pub listing: ListingId,
    pub news: WatchNews,
}

impl Job for NotifyWatchers {
    const KIND: Kind = Kind::new("watches.notify");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(5)).until_age(Duration::from_hours(24));
    const PRIORITY: Priority = Priority::Low;
}
