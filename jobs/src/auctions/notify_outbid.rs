use std::time::Duration;

use chrono::{DateTime, Utc};
use market::auctions::model::PlacedBid;
use market::auctions::rules::is_last_hour;
use market::ids::{AuctionId, BidId};
use queue::{Enqueue, Job, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;

use crate::queues;

/// Notifies organisations by mail that they were outbid: each time in the auction's last hour,
/// before that at most once in ten minutes, with the figures of that moment. A second run posts
/// nothing: there is one mail per (template, recipient, bid or version).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyOutbid {
    pub auction: AuctionId,
    pub orgs: Vec<OrgId>,
    /// Whether it is the job that waits on behalf of an organisation that was notified a moment
    /// ago.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
    /// A bid in the last hour, about which the organisations are notified at once, whatever has
    /// happened since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_bid: Option<LateBid>,
}

/// A bid in the last hour, and the auction as it left it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateBid {
    pub bid: BidId,
    pub price: Money,
    pub next_minimum: Money,
    pub ends_at: DateTime<Utc>,
}

impl NotifyOutbid {
    /// The notice that a bid calls for; `None` if it displaced nobody.
    #[must_use]
    pub fn of(placed: &PlacedBid) -> Option<Self> {
        let auction = &placed.auction;
        let late_bid = is_last_hour(auction.ends_at, placed.placed_at).then_some(LateBid {
            bid: placed.bid,
            price: auction.price,
            next_minimum: auction.next_minimum,
            ends_at: auction.ends_at,
        });
        (!placed.outbid.is_empty()).then(|| Self {
            auction: auction.id,
            orgs: placed.outbid.clone(),
            waiting: false,
            late_bid,
        })
    }

    /// The same for one organisation that was notified a moment ago: at `due` it hears how things
    /// stand then.
    pub fn again(auction: AuctionId, org: OrgId, due: DateTime<Utc>) -> Enqueue {
        // One that is already waiting will see everything that happens until then.
        let key = Unique::while_open(format_args!("{auction}:{org}"));
        Enqueue::new(&Self { auction, orgs: vec![org], waiting: true, late_bid: None }).unique(key).run_at(due)
    }
}

impl Job for NotifyOutbid {
    const KIND: Kind = Kind::new("auctions.notify_outbid");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).until_age(Duration::from_hours(24));
    const PRIORITY: Priority = Priority::High;
}
