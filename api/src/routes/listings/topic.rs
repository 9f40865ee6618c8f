//! `listing:<id>`, `price:<id>` and `stock:<id>`: what a listing is, what it costs and how much of it is left, for whoever may read it.
//!
//! Many programs change a listing and its stock: checkouts, auctions, imports, shipments, moderators. None of them publishes anything: this
//! process reads how far the watched listings have come a few times a second, in one statement for all three kinds of topic.
//!
//! # How to get this wrong
//! - Telling only what differs from what was told before: whoever has subscribed since then may have seen something else.
//! - Sending an event about what is not public: whoever watched it while it was would see it. They are made to look for themselves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::BoxFuture;
use market::ids::ListingId;
use market::listings::model::{Listing, Progress};
use market::listings::store;
use serde_json::{Value, json};
use shared::ids::OrgId;
use shared::realtime::Event;

use super::is_shown_to;
use crate::auth::Caller;
use crate::error::Result;
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch, watched_ids};
use crate::state::AppState;

/// What is followed of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListingTopic {
    /// What it is and whether it is on offer.
    Shown,
    Price,
    /// Units that nobody has reserved.
    Stock,
}

impl ListingTopic {
    const ALL: [Self; 3] = [Self::Shown, Self::Price, Self::Stock];

    const fn seq(self, progress: Progress) -> i64 {
        match self {
            Self::Shown | Self::Price => progress.shown_version,
            Self::Stock => progress.stock_version,
        }
    }

    fn data(self, listing: &Listing) -> Value {
        match self {
            Self::Shown => json!({
                "listing_id": listing.id,
                "status": listing.status,
                "title": listing.title,
                "sale_mode": listing.sale_mode,
                "currency": listing.currency,
                "price": listing.price,
                "takes_offers": listing.takes_offers,
                "published_at": listing.published_at,
            }),
            Self::Price => json!({
                "listing_id": listing.id,
                "currency": listing.currency,
                "price": listing.price,
            }),
            Self::Stock => json!({
                "listing_id": listing.id,
                "available": listing.available,
                "unit": listing.unit,
                "min_quantity": listing.min_quantity,
            }),
        }
    }

    /// Whether there is anything to follow yet: the stock of a draft may still be that of another item.
    const fn has(self, listing: &Listing) -> bool {
        match self {
            Self::Shown | Self::Price => true,
            Self::Stock => listing.published_at.is_some(),
        }
    }
}

impl Topic for ListingTopic {
    type Id = ListingId;

    fn prefix(&self) -> &'static str {
        match self {
            Self::Shown => "listing",
            Self::Price => "price",
            Self::Stock => "stock",
        }
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    async fn read(
        &self,
        state: &AppState,
        caller: &Caller,
        viewer: Option<OrgId>,
        id: ListingId,
    ) -> Result<Option<Snapshot>> {
        let listing = store::listing(&mut *state.db.acquire().await?, id).await?;
        let seen = listing.filter(|listing| self.has(listing) && is_shown_to(listing, Some(caller), viewer));
        Ok(seen.map(|listing| Snapshot { seq: self.seq(listing.progress()), data: self.data(&listing) }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        match self {
            Self::Shown => Box::pin(watch::<ListingWatcher>(state)),
            // The same watcher looks after all of them.
            Self::Price | Self::Stock => Box::pin(std::future::ready(())),
        }
    }
}

/// Delivers what has changed of the watched listings.
#[derive(Debug, Default)]
struct ListingWatcher {
    delivered: HashMap<ListingId, Progress>,
}

/// Delivers the listing as it is now to those who watch it; they were last told of it `before`.
fn deliver(state: &AppState, before: Option<Progress>, listing: &Listing) {
    for topic in ListingTopic::ALL {
        let (name, seq) = (format!("{}:{}", topic.prefix(), listing.id), topic.seq(listing.progress()));
        if !listing.is_public() {
            state.hub.recheck(&name);
        } else if before.is_none_or(|before| topic.seq(before) != seq) {
            state.hub.deliver_paced(Event { topic: name, seq, kind: "changed".to_owned(), data: topic.data(listing) });
        }
    }
}

impl Watcher for ListingWatcher {
    type Id = ListingId;
    const PREFIX: &'static str = "listing:";
    const EVERY: Duration = Duration::from_millis(200);

    fn watched(state: &AppState) -> Vec<ListingId> {
        let of = |topic: ListingTopic| watched_ids::<ListingId>(state, &format!("{}:", topic.prefix()));
        let watched: HashSet<ListingId> = ListingTopic::ALL.into_iter().flat_map(of).collect();
        watched.into_iter().collect()
    }

    async fn look(&mut self, state: &AppState, watched: &[ListingId]) -> anyhow::Result<()> {
        let mut conn = state.db.acquire().await?;
        let now = store::progress(&mut conn, watched).await?;
        let is_news = |now: &&Progress| self.delivered.get(&now.id) != Some(*now);
        let news: Vec<ListingId> = now.iter().filter(is_news).map(|now| now.id).collect();
        let listings = if news.is_empty() { Vec::new() } else { store::listings(&mut conn, &news).await? };
        drop(conn);
        // What nobody watches any more is forgotten.
        let now = now.into_iter().map(|now| (now.id, now)).collect();
        let before = std::mem::replace(&mut self.delivered, now);
        for listing in listings {
            deliver(state, before.get(&listing.id).copied(), &listing);
            self.delivered.insert(listing.id, listing.progress());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
