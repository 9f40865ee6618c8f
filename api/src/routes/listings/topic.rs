//! `listing:<id>`, `price:<id>` and `stock:<id>`: what a listing is, what it costs and how much of it is left, for whoever may read it.
//!
//! Many programs change a listing and its stock: checkouts, auctions, imports, shipments, moderators. None of them publishes anything: this
//! process reads how far the watched listings have come a few times a second, in one statement for all three kinds of topic.
//!
//! # How to get this wrong
//! - Reading the listing before its version: the version would stand for a state that nobody was told.
//! - Sending an event about what is not public: whoever watched it while it was would see it. They are made to look for themselves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::BoxFuture;
use market::ids::ListingId;
use market::listings::model::Listing;
use market::listings::store::{self, Progress};
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
    Terms,
    Price,
    /// Units that nobody has reserved.
    Stock,
}

impl ListingTopic {
    const ALL: [Self; 3] = [Self::Terms, Self::Price, Self::Stock];

    const fn seq(self, progress: &Progress) -> i64 {
        match self {
            Self::Terms | Self::Price => progress.version,
            Self::Stock => progress.stock_version,
        }
    }

    fn data(self, listing: &Listing) -> Value {
        match self {
            Self::Terms => json!({
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
            Self::Terms | Self::Price => true,
            Self::Stock => listing.published_at.is_some(),
        }
    }
}

impl Topic for ListingTopic {
    fn prefix(&self) -> &'static str {
        match self {
            Self::Terms => "listing",
            Self::Price => "price",
            Self::Stock => "stock",
        }
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    fn id(&self, text: &str) -> Option<String> {
        text.parse::<ListingId>().ok().map(|id| id.to_string())
    }

    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        caller: &'a Caller,
        viewer: Option<OrgId>,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>> {
        Box::pin(async move {
            let Ok(id) = id.parse::<ListingId>() else { return Ok(None) };
            let mut conn = state.db.acquire().await?;
            let Some(progress) = store::progress(&mut conn, &[id]).await?.pop() else { return Ok(None) };
            let listing = store::listing(&mut conn, id).await?;
            drop(conn);
            let seen = listing.filter(|listing| self.has(listing) && is_shown_to(listing, Some(caller), viewer));
            Ok(seen.map(|listing| Snapshot { seq: self.seq(&progress), data: self.data(&listing) }))
        })
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        match self {
            Self::Terms => Box::pin(watch::<ListingWatcher>(state)),
            // The same watcher looks after all of them.
            Self::Price | Self::Stock => Box::pin(std::future::ready(())),
        }
    }
}

/// What was last delivered of a listing.
#[derive(Debug)]
struct Delivered {
    progress: Progress,
    shown: [Value; 3],
}

/// Delivers what has changed of the watched listings.
#[derive(Debug, Default)]
struct ListingWatcher {
    delivered: HashMap<ListingId, Delivered>,
}

/// Delivers the listing as it is now to those who watch it; `before` is what they have.
fn deliver(state: &AppState, before: Option<&Delivered>, progress: Progress, listing: &Listing) -> Delivered {
    let shown = ListingTopic::ALL.map(|topic| topic.data(listing));
    for (place, (topic, data)) in ListingTopic::ALL.iter().zip(&shown).enumerate() {
        let name = format!("{}:{}", topic.prefix(), listing.id);
        if !listing.is_public() {
            state.hub.recheck(&name);
        } else if before.and_then(|before| before.shown.get(place)) != Some(data) {
            let (seq, kind) = (topic.seq(&progress), "changed".to_owned());
            state.hub.deliver_paced(Event { topic: name, seq, kind, data: data.clone() });
        }
    }
    Delivered { progress, shown }
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
        let is_news = |now: &&Progress| self.delivered.get(&now.id).is_none_or(|last| last.progress != **now);
        let news: Vec<ListingId> = now.iter().filter(is_news).map(|now| now.id).collect();
        let listings = if news.is_empty() { Vec::new() } else { store::listings(&mut conn, &news).await? };
        drop(conn);
        let listings: HashMap<ListingId, Listing> = listings.into_iter().map(|listing| (listing.id, listing)).collect();
        // What nobody watches any more is forgotten.
        let mut before = std::mem::take(&mut self.delivered);
        for progress in now {
            let last = before.remove(&progress.id);
            let delivered = match listings.get(&progress.id) {
                Some(listing) => Some(deliver(state, last.as_ref(), progress, listing)),
                None => last,
            };
            if let Some(delivered) = delivered {
                self.delivered.insert(progress.id, delivered);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
