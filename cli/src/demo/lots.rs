//! Creates what an auction needs and the auction itself: items, listings with photographs,
//! auctions.

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use market::ids::{AuctionId, ItemId, ListingId};
use market::images::model::UploadId;
use market::listings::model::ListingStatus;
use serde::Deserialize;
use serde_json::json;

use super::bids::CURRENCY;
use super::client::{Client, Token, unless_refused};
use super::photos::{self, Photo};
use super::plan::Plan;
use super::progress::Step;
use super::store::{Lot, Lots};
use super::timeline::Slot;

/// The category that all recorded lots were sold in, and that of the shop's goods.
pub(crate) const CATEGORY: &str = "electronics";

/// Puts lots on offer for one seller.
#[derive(Debug)]
pub(crate) struct LotMaker<'a> {
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    pub(crate) seller: &'a Token,
    pub(crate) at_once: usize,
}

#[derive(Deserialize)]
struct Categories {
    items: Vec<Category>,
}

#[derive(Deserialize)]
struct Category {
    id: uuid::Uuid,
    path: String,
}

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

#[derive(Deserialize)]
struct Upload {
    id: UploadId,
    url: String,
    headers: std::collections::BTreeMap<String, String>,
}

impl LotMaker<'_> {
    /// Makes whatever is missing of a published listing with photographs for each of the plan's
    /// auctions. Returns the listings in the order of the auctions.
    pub(crate) async fn list_all(&self, known: &Lots, step: &Step) -> anyhow::Result<Vec<ListingId>> {
        let category = category(self.client, CATEGORY).await?;
        stream::iter(self.plan.auctions.iter().enumerate())
            .map(async |(place, auction)| {
                let listing = self.list(place, &auction.name, category, known.get(&auction.name)).await?;
                step.inc();
                anyhow::Ok(listing)
            })
            .buffered(self.at_once)
            .try_collect()
            .await
    }

    async fn list(
        &self,
        place: usize,
        name: &str,
        category: uuid::Uuid,
        known: Option<&Lot>,
    ) -> anyhow::Result<ListingId> {
        let title = format!("Recorded lot {name}");
        let item: ItemId = if let Some(lot) = known {
            lot.item
        } else {
            let body = json!({"category_id": category, "sku": name, "title": title});
            self.client.post("/v1/items").as_(self.seller).json(&body).send::<Made<_>>().await?.id
        };
        let listing: ListingId = if let Some(listing) = known.and_then(|lot| lot.listing) {
            listing
        } else {
            let body = json!({
                "item_id": item,
                "title": title,
                "description": "A real auction, played again with its recorded bids.",
                "sale_mode": "auction",
                "currency": CURRENCY.code(),
                "delivery_options": ["parcel"],
            });
            self.client.post("/v1/listings").as_(self.seller).json(&body).send::<Made<_>>().await?.id
        };
        let there = known.map_or(0, |lot| usize::try_from(lot.images).unwrap_or_default());
        for photo in photos::of_lot(place).skip(there) {
            self.send_photo(listing, photo).await.with_context(|| format!("the photograph of {name}"))?;
        }
        if known.and_then(|lot| lot.listing_status).unwrap_or(ListingStatus::Draft) == ListingStatus::Draft {
            self.client.post(format!("/v1/listings/{listing}/publish")).as_(self.seller).done().await?;
        }
        Ok(listing)
    }

    /// Announces the photograph, sends its bytes to the store, and completes the upload.
    async fn send_photo(&self, listing: ListingId, photo: &Photo) -> anyhow::Result<()> {
        let body = json!({"content_type": "image/jpeg", "size": photo.bytes.len()});
        let upload: Upload = self.client.post("/v1/uploads").as_(self.seller).json(&body).send().await?;
        self.client.put_object(&upload.url, &upload.headers, photo.bytes).await?;
        let path = format!("/v1/uploads/{}/complete", upload.id);
        self.client.post(path).repeatable().as_(self.seller).json(&json!({"listing": listing})).done().await
    }

    /// Makes the auctions, whose slots give their starts and ends relative to `zero`. Soft close is
    /// off: the recorded auctions had none.
    pub(crate) async fn auction_all(
        &self,
        listings: &[ListingId],
        slots: &[Slot],
        zero: DateTime<Utc>,
        step: &Step,
    ) -> anyhow::Result<Vec<AuctionId>> {
        stream::iter(self.plan.auctions.iter().zip(listings).zip(slots))
            .map(async |((auction, listing), slot)| {
                let body = json!({
                    "starts_at": zero + slot.starts,
                    "ends_at": zero + slot.ends,
                    "soft_close_seconds": 0,
                    "opening": auction.opening,
                });
                let call = self.client.post(format!("/v1/listings/{listing}/auctions")).as_(self.seller).json(&body);
                let id = call.send::<Made<AuctionId>>().await?.id;
                step.inc();
                anyhow::Ok(id)
            })
            .buffered(self.at_once)
            .try_collect()
            .await
    }

    /// Takes back the lots that an interrupted round has left on offer, so that nobody bids on
    /// them.
    pub(crate) async fn take_back(&self, admin: &Token, lots: &Lots) -> anyhow::Result<()> {
        for lot in lots.values() {
            match (lot.auction, lot.auction_status, lot.listing, lot.listing_status) {
                (Some(auction), Some(status), ..) if status.is_open() => {
                    let cancelled = self.client.post(format!("/v1/auctions/{auction}/cancel")).as_(admin).done().await;
                    // It may have ended a moment ago.
                    unless_refused(cancelled, "auction_not_cancellable")?;
                }
                (None, _, Some(listing), Some(ListingStatus::Published)) => {
                    self.client.post(format!("/v1/listings/{listing}/withdraw")).as_(self.seller).done().await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The category at this path.
pub(crate) async fn category(client: &Client, path: &str) -> anyhow::Result<uuid::Uuid> {
    let categories: Categories = client.get("/v1/categories").send().await?;
    let category = categories.items.iter().find(|category| category.path == path);
    Ok(category.with_context(|| format!("there is no category {path}"))?.id)
}
