use std::time::Duration;

use market::auctions::model::PlacedBid;
use market::ids::AuctionId;
use queue::{Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Compares a new bidder with the seller and the other bidders, and flags those that may belong to
/// the same people, for moderators to look at. A second run flags nobody twice: there is one flag
/// per auction and pair.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagAccounts {
    pub auction: AuctionId,
    pub bidder: OrgId,
}

impl FlagAccounts {
    /// The job to enqueue after a bid of `bidder`; `None` unless it is the first one.
    #[must_use]
    pub fn of(placed: &PlacedBid, bidder: OrgId) -> Option<Self> {
        placed.first.then_some(Self { auction: placed.auction.id, bidder })
    }
}

impl Job for FlagAccounts {
    const KIND: Kind = Kind::new("auctions.flag_accounts");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(5)).until_age(Duration::from_hours(24));
    const TIMEOUT: Duration = Duration::from_secs(30);
    /// Bidders are waiting for the other jobs.
    const PRIORITY: Priority = Priority::Low;

    fn unique(&self) -> Unique {
        Unique::while_open(format_args!("{}:{}", self.auction, self.bidder))
    }
}
