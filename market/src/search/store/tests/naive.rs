//! Random listings, and a search that looks at each of them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use shared::ids::OrgId;
use shared::money::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{ItemId, ListingId, ModelId, SiteId};
use crate::listings::model::{Language, SaleMode};
use crate::search::model::{Near, Query, Sort, Wanted};
use crate::stock::rules::distance::{Point, distance_m};
use crate::testing::{database_time, trader};

pub(super) const MAKES: [&str; 4] = ["Fendt", "John Deere", "CLAAS", "Case"];
pub(super) const WORDS: [&str; 6] = ["kova", "brim", "tolk", "vint", "plor", "zark"];
pub(super) const CATEGORIES: [&str; 3] = ["machinery/tractors", "machinery/implements", "parts"];
/// Where sites are; two of them stand together.
pub(super) const PLACES: [(&str, f64, f64); 8] = [
    ("earth", 53.5, 10.0),
    ("earth", 53.5, 10.0),
    ("earth", 53.6, 10.4),
    ("earth", 48.1, 11.6),
    ("earth", -17.0, 179.95),
    ("earth", -17.1, -179.9),
    ("earth", 89.9, 120.0),
    ("moon", 53.5, 10.0),
];

/// Model, make, years.
pub(super) type Fit = (Option<ModelId>, &'static str, Option<i16>, Option<i16>);

/// A listing as the test knows it.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub(super) id: ListingId,
    pub(super) seller: OrgId,
    pub(super) category: &'static str,
    pub(super) attributes: Value,
    pub(super) words: Vec<&'static str>,
    pub(super) language: Language,
    pub(super) mode: SaleMode,
    pub(super) currency: Currency,
    pub(super) price: Option<i64>,
    pub(super) place: Option<(&'static str, f64, f64)>,
    pub(super) published_at: DateTime<Utc>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) fits: Vec<Fit>,
}

/// What the test has put into the database.
pub(super) struct Market {
    pub(super) lots: Vec<Lot>,
    pub(super) sellers: Vec<OrgId>,
    /// One of each make.
    pub(super) models: Vec<ModelId>,
}

/// As much of it as one euro buys.
fn per_euro(currency: Currency) -> Option<f64> {
    match currency.to_string().as_str() {
        "EUR" => Some(1.0),
        "USD" => Some(1.0837),
        "JPY" => Some(162.5),
        _ => None,
    }
}

pub(super) fn euros(minor: i64, currency: Currency) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "as the database does it")]
    let units = minor as f64 / 10_f64.powi(i32::from(currency.exponent()));
    Some(units / per_euro(currency)?)
}

pub(super) fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

impl Market {
    pub(super) async fn new(conn: &mut PgConnection, rng: &mut StdRng, lots: usize) -> Self {
        sqlx::raw_sql(
            "WITH snapshot AS (
                 INSERT INTO fx_snapshots (source, day, rates, checksum) VALUES ('ecb', '2026-01-05', 2, sha256('a')) RETURNING id
             )
             INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro)
             SELECT id, n, 2, code, per_euro FROM snapshot, (VALUES (1, 'USD', 1.0837), (2, 'JPY', 162.5)) AS r (n, code, per_euro);
             INSERT INTO increment_tables (currency, revision, below, steps) VALUES ('EUR', 9, '{}', '{1}');
             INSERT INTO machine_models (id, category_id, make, name, slug)
             SELECT gen_random_uuid(), id, make, '1', replace(lower(make), ' ', '-') || '-1'
             FROM categories, unnest('{Fendt,John Deere,CLAAS,Case}'::text[]) AS make
             WHERE path = 'machinery/tractors'",
        )
        .execute(&mut *conn)
        .await
        .expect("rates and models");
        let models: Vec<(String, ModelId)> =
            sqlx::query_as("SELECT make, id FROM machine_models").fetch_all(&mut *conn).await.expect("models");
        let models = MAKES.map(|make| models.iter().find(|(of, _)| of == make).expect("the model").1).to_vec();
        let traders = [trader(conn).await, trader(conn).await, trader(conn).await];
        let mut sites = BTreeMap::new();
        for seller in traders {
            for (n, (body, north, east)) in PLACES.into_iter().enumerate() {
                let id = SiteId::generate();
                sqlx::query(
                    "INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
                     SELECT $1, $2, id, 'Depot', 'depot', body, $4, $5 FROM regions WHERE code = $3",
                )
                .bind(id)
                .bind(seller.org)
                .bind(body)
                .bind(north)
                .bind(east)
                .execute(&mut *conn)
                .await
                .expect("a site");
                sites.insert((seller.org, n), id);
            }
        }
        let now = database_time(conn).await;
        let mut market = Self { lots: Vec::new(), sellers: traders.iter().map(|one| one.org).collect(), models };
        for _ in 0..lots {
            let seller = *traders.choose(rng).expect("a seller");
            let lot = market.lot(rng, seller.org, now);
            let site = lot.place.map(|place| {
                let n = PLACES.iter().rposition(|one| *one == place).expect("a place");
                sites[&(seller.org, n)]
            });
            insert(conn, &lot, seller.user.0, site).await;
            market.lots.push(lot);
        }
        sqlx::raw_sql("ANALYZE").execute(conn).await.expect("counted");
        market
    }

    fn lot(&self, rng: &mut StdRng, seller: OrgId, now: DateTime<Utc>) -> Lot {
        let category = *CATEGORIES.choose(rng).expect("one");
        let make = MAKES.choose(rng).expect("one");
        let mut attributes = json!({"make": if rng.random() { (*make).to_owned() } else { make.to_uppercase() }});
        if category == "machinery/tractors" {
            attributes["year"] = json!(rng.random_range(2010..2024));
            attributes["horsepower"] = json!(rng.random_range(40..200));
            attributes["four_wheel_drive"] = json!(rng.random::<bool>());
        }
        attributes["condition"] = json!(["new", "used"].choose(rng));
        let mode = *[SaleMode::Fixed, SaleMode::Fixed, SaleMode::Auction, SaleMode::Offer].choose(rng).expect("one");
        let currency = currency(["EUR", "EUR", "USD", "JPY", "KWD"].choose(rng).expect("one"));
        let priced = mode == SaleMode::Fixed || (mode == SaleMode::Offer && rng.random());
        // Few prices and few moments, so that some are equal.
        let at = now - TimeDelta::minutes(rng.random_range(1..60));
        let fits = if category == "parts" {
            let fit = |rng: &mut StdRng| {
                let n = rng.random_range(0..MAKES.len());
                let from = rng.random::<bool>().then(|| rng.random_range(2000..2010));
                let to = rng.random::<bool>().then(|| rng.random_range(2010..2020));
                (rng.random::<bool>().then(|| self.models[n]), MAKES[n], from, to)
            };
            (0..rng.random_range(0..4)).map(|_| fit(rng)).collect()
        } else {
            Vec::new()
        };
        Lot {
            id: ListingId::generate(),
            seller,
            category,
            attributes,
            words: WORDS.into_iter().filter(|_| rng.random_ratio(1, 3)).collect(),
            language: *[Language::En, Language::De, Language::Other].choose(rng).expect("one"),
            mode,
            currency,
            price: priced.then(|| rng.random_range(1..40) * 500),
            place: rng.random_ratio(3, 4).then(|| *PLACES.choose(rng).expect("one")),
            published_at: at,
            ends_at: (mode == SaleMode::Auction && rng.random_ratio(2, 3))
                .then(|| now + TimeDelta::hours(rng.random_range(1..20))),
            fits,
        }
    }

    /// Ids in the order of the query; by relevance in any order.
    pub(super) fn find(&self, query: &Query) -> Vec<ListingId> {
        let mut found: Vec<_> = self.lots.iter().filter(|lot| lot.matches(query)).collect();
        found.sort_by(|a, b| {
            let rising = || a.key(query).partial_cmp(&b.key(query)).expect("numbers").then(a.id.0.cmp(&b.id.0));
            match query.sort {
                Sort::Newest | Sort::PriceDesc | Sort::Relevance => rising().reverse(),
                Sort::Price | Sort::Distance | Sort::Ending => rising(),
            }
        });
        found.into_iter().map(|lot| lot.id).collect()
    }

    /// The counts of an attribute's values.
    pub(super) fn count(&self, query: &Query, name: &str) -> BTreeMap<String, i64> {
        let mut without = query.clone();
        without.filters.retain(|filter| filter.name != name || matches!(filter.wanted, Wanted::Range(..)));
        let mut counts = BTreeMap::new();
        for lot in self.lots.iter().filter(|lot| lot.matches(&without)) {
            match &lot.attributes[name] {
                Value::Null => {}
                Value::String(text) => *counts.entry(text.to_lowercase()).or_default() += 1,
                other => *counts.entry(other.to_string()).or_default() += 1,
            }
        }
        counts
    }
}

impl Lot {
    fn key(&self, query: &Query) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this century")]
        let time = |at: DateTime<Utc>| at.timestamp_micros() as f64;
        match query.sort {
            Sort::Newest | Sort::Relevance => time(self.published_at),
            Sort::Price | Sort::PriceDesc => self.euros().expect("a price"),
            Sort::Distance => self.metres(query.near.as_ref().expect("a place")).expect("a distance"),
            Sort::Ending => time(self.ends_at.expect("an end")),
        }
    }

    fn euros(&self) -> Option<f64> {
        euros(self.price?, self.currency)
    }

    fn metres(&self, near: &Near) -> Option<f64> {
        let (body, latitude, longitude) = self.place?;
        let here = Point { body: &near.body, latitude: near.latitude, longitude: near.longitude };
        let radius = if body == "moon" { 1_737_400.0 } else { 6_371_008.8 };
        distance_m(here, Point { body, latitude, longitude }, radius)
    }

    fn matches(&self, query: &Query) -> bool {
        let below = |path: &String| self.category == path || self.category.starts_with(&format!("{path}/"));
        let text = query.text.as_deref().is_none_or(|text| {
            text.split(' ').all(|word| match word.strip_prefix('-') {
                Some(word) => !self.words.contains(&word),
                None => self.words.contains(&word),
            })
        });
        let filters = query.filters.iter().all(|filter| match (&filter.wanted, &self.attributes[&filter.name]) {
            (Wanted::Range(from, to), Value::Number(number)) => {
                let number = number.as_f64().expect("a number");
                from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to)
            }
            (Wanted::Values(values), Value::String(text)) => {
                values.iter().any(|one| one.to_lowercase() == text.to_lowercase())
            }
            (Wanted::Values(values), Value::Bool(truth)) => values.contains(&truth.to_string()),
            _ => false,
        });
        let price = query.price.is_none_or(|range| {
            let Some(price) = self.price else { return false };
            let within = |price: f64, from: Option<f64>, to: Option<f64>| {
                from.is_none_or(|from| price >= from) && to.is_none_or(|to| price <= to)
            };
            if range.currency == self.currency {
                return range.from.is_none_or(|from| price >= from) && range.to.is_none_or(|to| price <= to);
            }
            let bound = |bound: Option<i64>| bound.and_then(|bound| euros(bound, range.currency));
            per_euro(range.currency).is_some()
                && self.euros().is_some_and(|price| within(price, bound(range.from), bound(range.to)))
        });
        let near = query.near.as_ref().is_none_or(|near| {
            let within = |metres: f64| near.within_m.is_none_or(|within| metres <= within);
            self.metres(near).map_or(near.within_m.is_none() && query.sort != Sort::Distance, within)
        });
        let fits = query.fits.as_ref().is_none_or(|fitting| {
            self.fits.iter().any(|(model, make, from, to)| {
                let year = |year| from.is_none_or(|from| from <= year) && to.is_none_or(|to| to >= year);
                model.map_or(*make == fitting.make, |model| model == fitting.model) && fitting.year.is_none_or(year)
            })
        });
        let sorted = match query.sort {
            Sort::Price | Sort::PriceDesc => self.euros().is_some(),
            Sort::Ending => self.ends_at.is_some(),
            _ => true,
        };
        text && filters
            && price
            && near
            && fits
            && sorted
            && query.category.as_ref().is_none_or(below)
            && query.language.is_none_or(|language| language == self.language)
            && query.seller.is_none_or(|seller| seller == self.seller)
            && query.mode.is_none_or(|mode| mode == self.mode)
    }
}

/// Writes it past the acts: they are tried elsewhere.
async fn insert(conn: &mut PgConnection, lot: &Lot, by: Uuid, site: Option<SiteId>) {
    let item = ItemId::generate();
    sqlx::query(
        "INSERT INTO items (id, org_id, category_id, sku, title, unit, attributes)
         SELECT $1, $2, id, $1::text, 'Thing', 'piece', $4 FROM categories WHERE path = $3",
    )
    .bind(item)
    .bind(lot.seller)
    .bind(lot.category)
    .bind(&lot.attributes)
    .execute(&mut *conn)
    .await
    .expect("an item");
    for (n, (model, make, from, to)) in lot.fits.iter().enumerate() {
        sqlx::query(
            "INSERT INTO item_fits (item_id, place, make, model_id, year_from, year_to) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(item)
        .bind(i16::try_from(n + 1).expect("few"))
        .bind(make)
        .bind(model)
        .bind(from)
        .bind(to)
        .execute(&mut *conn)
        .await
        .expect("a fit");
    }
    let (title, description) = lot.words.split_at(lot.words.len() / 2);
    sqlx::query(
        "INSERT INTO listings (id, seller_org_id, item_id, created_by, title, description, language, sale_mode, currency,
                               price_minor, site_id, status, published_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'published', $12)",
    )
    .bind(lot.id)
    .bind(lot.seller)
    .bind(item)
    .bind(by)
    .bind(format!("thing {}", title.join(" ")))
    .bind(description.join(" "))
    .bind(lot.language)
    .bind(lot.mode)
    .bind(lot.currency)
    .bind(lot.price)
    .bind(site)
    .bind(lot.published_at)
    .execute(&mut *conn)
    .await
    .expect("a listing");
    if let Some(ends_at) = lot.ends_at {
        sqlx::query(
            "INSERT INTO auctions (id, listing_id, seller_org_id, currency, created_by, starts_at, ends_at, original_ends_at,
                                   hard_ends_at, opening_minor, price_minor, next_minimum_minor, status, lot_mode, quantity,
                                   min_order, soft_close_seconds, increment_table_id)
             SELECT $1, $2, $3, $4, $5, now(), $6, $6, $6, 100, 100, 100, 'live', 'whole', 1, 1, 0, id
             FROM increment_tables
             LIMIT 1",
        )
        .bind(Uuid::now_v7())
        .bind(lot.id)
        .bind(lot.seller)
        .bind(lot.currency)
        .bind(by)
        .bind(ends_at)
        .execute(conn)
        .await
        .expect("an auction");
    }
}
