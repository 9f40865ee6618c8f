//! A sale event that closes while the auctions run: a catalogue of lots that end one after the other, and bidders whose limit counts
//! across all of them.
//!
//! Everything that makes something has a key, so that an interrupted preparation goes on; once published, an event is not made again.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use market::ids::{AuctionId, ItemId, ListingId, SaleEventId};
use serde::Deserialize;
use serde_json::json;

use super::bids::CURRENCY;
use super::client::{ApiError, Client, Token, unless_refused};
use super::lots::{self, CATEGORY};
use super::people::Trader;

/// The most lots; a small shop has as few as it has orders.
const MOST_LOTS: usize = 300;
/// How many of the plan's bidders register.
const BIDDERS: usize = 8;
/// How many bids of each bidder the limit leaves; see [`Sale::bid`].
const LIMIT: &str = "100.00";
/// Between the publication and the first end, and from lot to lot.
const FIRST_END: TimeDelta = TimeDelta::seconds(15);
const STEP_MS: u32 = 100;

/// How many lots the event has.
pub(crate) fn lots_of(orders: usize) -> usize {
    orders.min(MOST_LOTS)
}

/// A sale event that is prepared.
#[derive(Debug)]
pub(crate) struct Sale<'a> {
    pub(crate) client: &'a Client,
    pub(crate) seller: &'a Token,
    pub(crate) at_once: usize,
    pub(crate) lots: usize,
}

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

#[derive(Deserialize)]
struct Lots {
    items: Vec<Lot>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Lot {
    auction_id: AuctionId,
}

impl Sale<'_> {
    /// Makes a draft with all of its lots.
    pub(crate) async fn prepare(&self) -> anyhow::Result<SaleEventId> {
        let category = lots::category(self.client, CATEGORY).await?;
        let item = json!({"category_id": category, "sku": "SALE", "title": "A console from the collection"});
        let item: ItemId = self.make("/v1/items", "demo-sale-item", &item).await?;
        let sale = json!({"title": "The collection", "currency": CURRENCY.code(), "soft_close_seconds": 0,
            "starts_at": "2099-01-01T00:00:00Z", "first_ends_at": "2099-01-02T00:00:00Z", "step_ms": STEP_MS,
            "default_limit": {"amount": LIMIT, "currency": CURRENCY.code()}});
        let event: SaleEventId = self.make("/v1/sale-events", "demo-sale", &sale).await?;
        stream::iter(1..=self.lots)
            .map(async |number| {
                let listing = json!({"item_id": item, "title": format!("Lot {number} of the collection"),
                    "description": "Sold in a sale event.", "sale_mode": "auction", "currency": CURRENCY.code(),
                    "delivery_options": ["parcel"]});
                let key = format!("demo-sale-listing-{number}");
                let listing: ListingId = self.make("/v1/listings", &key, &listing).await?;
                let publish = self.client.post(format!("/v1/listings/{listing}/publish")).repeatable().as_(self.seller);
                unless_refused(publish.done().await, "listing_status")?;
                let lot = json!({"listing_id": listing, "lot_no": number,
                    "opening": {"amount": "10.00", "currency": CURRENCY.code()}});
                let call = self.client.post(format!("/v1/sale-events/{event}/lots")).as_(self.seller);
                call.idempotent(format!("demo-sale-lot-{number}")).json(&lot).done().await
            })
            .buffer_unordered(self.at_once)
            .try_collect::<()>()
            .await
            .context("the lots of the sale event")?;
        Ok(event)
    }

    async fn make<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        key: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<T> {
        let call = self.client.post(path).as_(self.seller).idempotent(key.to_owned()).json(body);
        Ok(call.send::<Made<T>>().await?.id)
    }

    /// Publishes the event so that its first lot ends soon after `now`, the database's time, registers bidders and lets them bid.
    pub(crate) async fn run(&self, event: SaleEventId, now: DateTime<Utc>, bidders: &[Trader]) -> anyhow::Result<()> {
        let times = json!({"starts_at": now, "first_ends_at": now + FIRST_END});
        self.client.patch(format!("/v1/sale-events/{event}")).repeatable().as_(self.seller).json(&times).done().await?;
        let publish = self.client.post(format!("/v1/sale-events/{event}/publish")).repeatable().as_(self.seller);
        unless_refused(publish.done().await, "not_draft")?;
        let auctions = self.auctions(event).await?;
        let bidders = &bidders[..bidders.len().min(BIDDERS)];
        for bidder in bidders {
            let path = format!("/v1/sale-events/{event}/registrations");
            self.client.post(path).as_(&bidder.token).idempotent("demo-sale-bidder").json(&json!({})).done().await?;
        }
        self.bid(&auctions, bidders).await
    }

    /// The auctions of the lots, in their order.
    async fn auctions(&self, event: SaleEventId) -> anyhow::Result<Vec<AuctionId>> {
        let mut auctions = Vec::new();
        let mut after = 0.to_string();
        loop {
            let path = format!("/v1/sale-events/{event}/lots?limit=100&after={after}");
            let page: Lots = self.client.get(path).as_(self.seller).send().await?;
            auctions.extend(page.items.into_iter().map(|lot| lot.auction_id));
            match page.next {
                Some(next) => after = next,
                None => return Ok(auctions),
            }
        }
    }

    /// Each bidder leads the lot of their own place, from the end of the catalogue on, until the next one outbids them, which frees what
    /// was reserved; spends the limit on a second lot; and is refused everywhere else.
    async fn bid(&self, auctions: &[AuctionId], bidders: &[Trader]) -> anyhow::Result<()> {
        let from_the_end: Vec<_> = auctions.iter().rev().copied().collect();
        let count = bidders.len();
        for (round, amount) in [(0, "30.00"), (1, "40.00"), (2, "60.00")] {
            for (place, auction) in from_the_end.iter().skip(if round == 2 { count } else { 0 }).take(count).enumerate()
            {
                self.place(*auction, &bidders[(place + round % 2) % count], amount).await?;
            }
        }
        let beyond = from_the_end.iter().skip(2 * count).enumerate();
        stream::iter(beyond.map(Ok))
            .try_for_each_concurrent(self.at_once, async |(place, auction)| {
                self.place(*auction, &bidders[place % count], "20.00").await
            })
            .await
    }

    /// Refusals are part of it: the limit is spent, or the machine is slow and the lot has ended.
    async fn place(&self, auction: AuctionId, bidder: &Trader, amount: &str) -> anyhow::Result<()> {
        let body = json!({"maximum": {"amount": amount, "currency": CURRENCY.code()}});
        let call = self.client.post(format!("/v1/auctions/{auction}/bids")).as_(&bidder.token);
        let placed = call.idempotent(format!("demo-sale-{auction}-{amount}")).json(&body).done().await;
        match placed {
            Err(error) => match error.downcast_ref().and_then(ApiError::code) {
                Some("limit_exceeded" | "auction_ended" | "bid_too_low" | "not_a_raise") => Ok(()),
                _ => Err(error.context("a bid in the sale event")),
            },
            placed => placed,
        }
    }
}
