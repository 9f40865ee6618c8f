use jobs::watches::{NotifyWatchers, WatchNews, mail};
use market::ids::ListingId;
use market::listings::model::ListingStatus;
use market::listings::store as listings;
use market::watches::store;
use queue::{Handler, Outcome};
use shared::ids::UserId;
use shared::money::Money;

use crate::{Cx, Services};

/// How many people one transaction notifies.
const BATCH: i64 = 200;

impl Handler<Services> for NotifyWatchers {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        match self.news {
            WatchNews::PriceFell { was, now } => price_fell(cx, self.listing, was, now).await,
            WatchNews::Relisted { of } => relisted(cx, self.listing, of).await,
        }
    }
}

/// Notifies page by page; after an interruption the next attempt goes on after the last person whose page was committed.
async fn price_fell(cx: &Cx, listing: ListingId, was: Money, now: Money) -> anyhow::Result<Outcome> {
    let mut last: Option<UserId> = cx.checkpointed().await?;
    loop {
        let mut tx = cx.begin().await?;
        let Some(listing) = listings::listing(&mut tx, listing).await? else { return Ok(Outcome::Done) };
        // At another price, whoever set that has told of it, or it has risen again.
        let on_offer = listing.status == ListingStatus::Published && !listing.seller_suspended;
        if !on_offer || listing.price != Some(now) {
            return Ok(Outcome::Done);
        }
        let people = store::watchers(&mut tx, listing.id, last, BATCH).await?;
        mail::price_fell(&mut tx, &people, &listing, was, now).await?;
        if people.len() < usize::try_from(BATCH)? {
            return cx.commit(tx).await;
        }
        last = people.last().copied();
        cx.checkpoint(&mut tx, 0, "a page of people was notified", &last).await?;
        tx.commit().await?;
    }
}

/// Moves the watches along, and notifies those whose they are. What was moved is not found again.
async fn relisted(cx: &Cx, listing: ListingId, of: ListingId) -> anyhow::Result<Outcome> {
    loop {
        let mut tx = cx.begin().await?;
        let Some(listing) = listings::listing(&mut tx, listing).await? else { return Ok(Outcome::Done) };
        let people = store::move_on(&mut tx, of, listing.id, BATCH).await?;
        if listing.is_public() {
            mail::relisted(&mut tx, &people, &listing).await?;
        }
        if people.len() < usize::try_from(BATCH)? {
            return cx.commit(tx).await;
        }
        tx.commit().await?;
    }
}
