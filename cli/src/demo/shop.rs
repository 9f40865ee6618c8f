//! A shop that sells from stock at fixed prices, in three currencies.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use market::ids::{ItemId, ListingId, RegionId, SiteId};
use serde::Deserialize;
use serde_json::json;
use shared::money::{Currency, Money};

use super::client::{Client, Token, unless_refused};
use super::lots;
use super::people::Registry;
use super::plan::Plan;
use super::progress::Step;
use super::store::shop::{Left, Stocked};

/// What the shop sells: name, title and price. The yen has no smaller unit, the dinar has a thousand.
const GOODS: [(&str, &str, &str, &str); 3] = [
    ("CASE", "Console case", "24.90", "EUR"),
    ("FIGURE", "Collector's figure", "3980", "JPY"),
    ("CABLE", "Charging cable", "2.750", "KWD"),
];

/// Stocks the shop and buys from it.
#[derive(Debug)]
pub(crate) struct Shop<'a> {
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    pub(crate) registry: &'a Registry<'a>,
    pub(crate) keeper: &'a Token,
    pub(crate) at_once: usize,
}

/// Something on offer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered {
    listing: ListingId,
    price: Money,
}

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

#[derive(Deserialize)]
struct Regions {
    items: Vec<Made<RegionId>>,
}

impl Shop<'_> {
    /// Makes whatever is missing: a site, and each of the goods on it, counted in for `orders` and on offer. Returns the listings.
    pub(crate) async fn open(&self, stocked: &[Stocked], orders: usize) -> anyhow::Result<Vec<Offered>> {
        let category = lots::category(self.client, lots::CATEGORY).await?;
        let site = match stocked.first() {
            Some(there) => there.site,
            None => self.site().await?,
        };
        let mut offered = Vec::new();
        for (sku, title, price, currency) in GOODS {
            let price = price_of(price, currency)?;
            let there = stocked.iter().find(|there| there.sku == sku);
            let listing = match there.and_then(|there| there.listing) {
                Some(listing) => listing,
                None => self.offer(site, category, there, sku, title, price, orders).await?,
            };
            let published = self.client.post(format!("/v1/listings/{listing}/publish")).repeatable().as_(self.keeper);
            unless_refused(published.done().await, "listing_status")?;
            offered.push(Offered { listing, price });
        }
        Ok(offered)
    }

    async fn site(&self) -> anyhow::Result<SiteId> {
        let bodies: Regions = self.client.get("/v1/regions?limit=1").send().await?;
        let region = bodies.items.first().context("there are no regions")?.id;
        let body =
            json!({"region_id": region, "name": "Demo shop", "kind": "store", "latitude": 52.5, "longitude": 13.4});
        let call = self.client.post("/v1/sites").as_(self.keeper).idempotent("demo-site").json(&body);
        Ok(call.send::<Made<SiteId>>().await?.id)
    }

    #[expect(clippy::too_many_arguments, reason = "one line of the shop")]
    async fn offer(
        &self,
        site: SiteId,
        category: uuid::Uuid,
        there: Option<&Stocked>,
        sku: &str,
        title: &str,
        price: Money,
        orders: usize,
    ) -> anyhow::Result<ListingId> {
        let item: ItemId = if let Some(there) = there {
            there.item
        } else {
            let body = json!({"category_id": category, "sku": sku, "title": title});
            let call = self.client.post("/v1/items").as_(self.keeper).idempotent(format!("demo-{sku}"));
            call.json(&body).send::<Made<_>>().await?.id
        };
        // Each order is of at most two.
        let count = json!({"to": orders * 2, "reason": "first count"});
        let path = format!("/v1/items/{item}/stock/{site}/adjust");
        self.client.post(path).repeatable().as_(self.keeper).json(&count).done().await?;
        let body = json!({
            "item_id": item,
            "site_id": site,
            "title": title,
            "description": "Sold from stock.",
            "sale_mode": "fixed",
            "currency": price.currency().code(),
            "price": price,
            "quantity": orders * 2,
            "delivery_options": ["parcel"],
        });
        let call = self.client.post("/v1/listings").as_(self.keeper).idempotent(format!("demo-listing-{sku}"));
        Ok(call.json(&body).send::<Made<_>>().await?.id)
    }

    /// Buys until there are `orders` of them, of which `there` are stored; every buyer in turn, and of all goods.
    pub(crate) async fn sell(&self, offered: &[Offered], there: usize, orders: usize) -> anyhow::Result<()> {
        if there >= orders {
            return Ok(());
        }
        let step = Step::begin("buying from the shop", (orders - there) as u64);
        let buyers = self.plan.bidders.len();
        let tokens: Vec<Token> = stream::iter(0..buyers.min(orders))
            .map(async |place| self.registry.token(&self.plan.bidder_email(place)).await)
            .buffered(self.at_once)
            .try_collect()
            .await?;
        stream::iter(there..orders)
            .map(async |number| {
                let (good, quantity) = bought(number);
                let of = offered[good];
                let call =
                    self.client.post(format!("/v1/listings/{}/buy", of.listing)).as_(&tokens[number % tokens.len()]);
                let body = json!({"quantity": quantity, "price": of.price});
                call.idempotent(format!("demo-shop-{number}")).json(&body).done().await?;
                step.inc();
                anyhow::Ok(())
            })
            .buffer_unordered(self.at_once)
            .try_collect::<()>()
            .await?;
        step.end();
        Ok(())
    }
}

fn price_of(amount: &str, currency: &str) -> anyhow::Result<Money> {
    let currency: Currency = currency.parse().context("a currency")?;
    Money::parse(amount, currency).context("a price")
}

/// Which of the goods the order at this place is of, and how many units.
const fn bought(place: usize) -> (usize, usize) {
    (place % GOODS.len(), 1 + place % 2)
}

/// How many of the goods are not left as they must be: what was put on offer, less what this many orders buy. Each of these is paid, and
/// nothing comes back: disputes are about money.
pub(crate) fn mismatches(left: &[Left], orders: usize) -> u64 {
    let is_right = |place: usize, sku: &str| {
        let sold: usize =
            (0..orders).map(bought).filter(|(good, _)| *good == place).map(|(_, quantity)| quantity).sum();
        left.iter().any(|it| {
            it.sku == sku
                && i64::try_from(sold).is_ok_and(|sold| it.on_hand == it.offered - sold)
                && (it.reserved, it.quarantined) == (0, 0)
        })
    };
    (0..).zip(GOODS).filter(|(place, (sku, ..))| !is_right(*place, sku)).count() as u64
}

#[cfg(test)]
mod tests;
