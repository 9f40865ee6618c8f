use std::time::Duration;

use chrono::TimeDelta;
use market::auctions::model::Retracted;
use market::ids::{AuctionId, BidId};
use queue::{Enqueue, Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Notifies an organisation by mail that it leads again, since a better bid was taken back: it has done nothing for that, and its bid
/// binds it. A second run posts nothing: there is one mail per (template, recipient, bid that was taken back).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyLeader {
    pub auction: AuctionId,
    pub org: OrgId,
    pub taken_back: BidId,
}

impl NotifyLeader {
    /// How long after the retraction: whoever took a bid back because of a slip bids again at once, and the lead is gone.
    const DELAY: TimeDelta = TimeDelta::minutes(5);

    /// The notice that a retraction calls for; `None` if nobody leads who did not before.
    #[must_use]
    pub fn of(taken_back: BidId, retracted: &Retracted) -> Option<Enqueue> {
        let seen = &retracted.auction;
        let notice = Self { auction: seen.id, org: retracted.new_leader?, taken_back };
        Some(Enqueue::new(&notice).run_at(seen.server_time + Self::DELAY))
    }
}

impl Job for NotifyLeader {
    const KIND: Kind = Kind::new("auctions.notify_leader");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).until_age(Duration::from_hours(24));
    const PRIORITY: Priority = Priority::High;

    fn unique(&self) -> Unique {
        // One that is already waiting will see who leads then.
        Unique::while_open(format_args!("{}:{}", self.auction, self.org))
    }
}
