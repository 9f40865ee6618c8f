use std::fmt;
use std::time::Duration;

use market::ids::AuctionId;
use queue::{Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Which reminder: how long before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    Day,
    Hour,
}

impl Reminder {
    pub const ALL: [Self; 2] = [Self::Day, Self::Hour];

    /// How long before the end it goes out.
    #[must_use]
    pub const fn before_end(self) -> Duration {
        match self {
            Self::Day => Duration::from_hours(24),
            Self::Hour => Duration::from_hours(1),
        }
    }
}

impl fmt::Display for Reminder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Hour => "hour",
        })
    }
}

/// Tells the bidders of a live auction that it ends soon.
/// A second run posts nothing: there is one mail per (template, recipient, auction and reminder).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemindBidders {
    pub auction: AuctionId,
    pub reminder: Reminder,
}

impl Job for RemindBidders {
    const KIND: Kind = Kind::new("auctions.ending_soon");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(5)).until_age(Duration::from_hours(24 * 90));
    const PRIORITY: Priority = Priority::Low;

    fn unique(&self) -> Unique {
        Unique::while_open(format_args!("{}:{}", self.auction, self.reminder))
    }
}
