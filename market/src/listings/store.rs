//! SQL for listings.
//!
//! Code that needs both locks the auction's row before the listing's, and changes the auction after
//! the listing. Creating an auction locks the listing first; an open auction that somebody has
//! locked but not changed refuses it without a wait.

mod drafts;
mod live;
mod moderate;
mod parts;
mod relist;

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Faults, Invalid, constraint_message, violated};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::model::{Language, Listing, ListingStatus, SaleMode};
use crate::catalog::store::CatalogError;
use crate::ids::{CategoryId, ItemId, ListingId, SiteId};
use crate::images::store::ImageError;
use crate::reviews::model::Rating;

pub use drafts::{change, create, lock_plan, missing, publish, reprice, withdraw};
pub use live::progress;
pub use moderate::{Decision, Moderated, decide, in_review};
pub use parts::parts_for;
pub use relist::relist;

/// Why a listing is refused.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    #[error("there is no such listing")]
    NotFound,
    /// The listing is not in the state that the act needs.
    #[error("the listing is {0:?}")]
    WrongStatus(ListingStatus),
    #[error("the listing has an open auction; cancel that first")]
    AuctionOpen,
    #[error("the listing has been listed again")]
    AlreadyRelisted,
    #[error("the listing is not sold at a fixed price")]
    NotFixed,
    #[error("the organisation's plan allows {0} published listings at once")]
    PlanLimit(i32),
    /// What a draft lacks before it can be published.
    #[error("the listing is not complete: {0}")]
    Incomplete(Faults),
    /// Its item cannot be read, or its pictures copied.
    #[error(transparent)]
    Item(#[from] CatalogError),
    #[error(transparent)]
    Pictures(#[from] ImageError),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("listings_own_item", "/item_id", "the organisation has no such item"),
    ("listings_own_site", "/site_id", "the organisation has no such site"),
    ("listings_title_length", "/title", "must have 1 to 200 characters"),
    ("listings_description_length", "/description", "must have at most 20000 characters"),
    ("listings_currency_known", "/currency", "is not traded here"),
    ("listings_price_positive", "/price", "must be above zero and not absurd"),
    ("listings_price_by_mode", "/price", "a fixed sale needs a price, an auction has its own"),
    ("listings_takes_offers_if_fixed", "/takes_offers", "only a fixed price takes offers beside it"),
    ("listings_quantity_positive", "/quantity", "must lie between 1 and 1000000000"),
    ("listings_min_quantity_range", "/min_quantity", "must lie between 1 and the quantity"),
    ("sale_event_lots_of_listing", "/currency", "the listing is a lot of a sale event, which has this currency only"),
    ("listings_per_org", "", "the organisation has 5000 listings: withdraw some first"),
    ("listings_per_day", "", "the organisation has made 10000 listings within a day"),
    ("listings_delivery_known", "/delivery_options", "must be some of pickup, parcel, freight, orbital"),
];

impl From<sqlx::Error> for ListingError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("listings_relisted_once") {
            return Self::AlreadyRelisted;
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Database(error), Self::Invalid)
    }
}

struct Row {
    id: ListingId,
    seller_org_id: OrgId,
    seller_name: String,
    seller_reviews: Option<i64>,
    seller_stars: Option<i64>,
    item_id: ItemId,
    site_id: Option<SiteId>,
    category_id: CategoryId,
    title: String,
    description: String,
    language: Language,
    attributes: Value,
    compatibility: Vec<String>,
    sale_mode: SaleMode,
    currency: Currency,
    price_minor: Option<i64>,
    takes_offers: bool,
    quantity: i64,
    min_quantity: i64,
    available: i64,
    unit: String,
    delivery_options: Vec<String>,
    status: ListingStatus,
    status_reason: Option<String>,
    submitted_at: Option<DateTime<Utc>>,
    relist_of: Option<ListingId>,
    published_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    seller_suspended: bool,
    shown_version: i64,
    stock_version: i64,
}

impl From<Row> for Listing {
    fn from(row: Row) -> Self {
        let rating = row.seller_reviews.zip(row.seller_stars).filter(|(reviews, _)| *reviews > 0);
        Self {
            id: row.id,
            seller_org_id: row.seller_org_id,
            seller_name: row.seller_name,
            seller_rating: rating.map(|(reviews, stars)| Rating::of(reviews, stars)),
            item_id: row.item_id,
            site_id: row.site_id,
            category_id: row.category_id,
            title: row.title,
            description: row.description,
            language: row.language,
            attributes: row.attributes,
            compatibility: row.compatibility,
            sale_mode: row.sale_mode,
            currency: row.currency,
            takes_offers: row.takes_offers,
            price: row.price_minor.map(|minor| Money::from_minor(minor, row.currency)),
            quantity: row.quantity,
            min_quantity: row.min_quantity,
            available: row.available,
            unit: row.unit,
            delivery_options: row.delivery_options,
            status: row.status,
            status_reason: row.status_reason,
            submitted_at: row.submitted_at,
            relist_of: row.relist_of,
            published_at: row.published_at,
            created_at: row.created_at,
            seller_suspended: row.seller_suspended,
            shown_version: row.shown_version,
            stock_version: row.stock_version,
        }
    }
}

/// These listings, whatever their state, in the order of `ids`; unknown ones are left out.
pub async fn listings(conn: &mut PgConnection, ids: &[ListingId]) -> Result<Vec<Listing>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT l.id AS "id: ListingId", l.seller_org_id AS "seller_org_id: OrgId", o.legal_name AS seller_name,
                  g.reviews AS "seller_reviews?", g.stars AS "seller_stars?",
                  l.item_id AS "item_id: ItemId", l.site_id AS "site_id: SiteId",
                  i.category_id AS "category_id: CategoryId", l.title, l.description, l.language AS "language: Language",
                  i.attributes, i.compatibility, l.sale_mode AS "sale_mode: SaleMode",
                  l.currency AS "currency: Currency", l.price_minor, l.takes_offers, l.quantity,
                  l.min_quantity,
                  CASE WHEN l.site_id IS NOT NULL THEN coalesce(v.on_hand - v.reserved, 0)
                       WHEN l.status = 'sold_out' THEN 0
                       ELSE l.quantity - l.reserved - l.sold
                  END AS "available!",
                  i.unit, l.delivery_options, l.status AS "status: ListingStatus", l.status_reason,
                  l.submitted_at, l.relist_of AS "relist_of: ListingId", l.published_at, l.created_at, o.status = 'suspended' AS "seller_suspended!",
                  l.shown_version, l.version + coalesce(v.version, 0) AS "stock_version!"
           FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
           JOIN listings AS l ON l.id = wanted.id
           JOIN items AS i ON i.id = l.item_id
           JOIN orgs AS o ON o.id = l.seller_org_id
           LEFT JOIN org_ratings AS g ON g.org_id = l.seller_org_id
           LEFT JOIN stock_levels AS v ON v.item_id = l.item_id AND v.site_id = l.site_id
           ORDER BY wanted.place"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Listing::from).collect())
}

/// One listing, whatever its state.
pub async fn listing(conn: &mut PgConnection, id: ListingId) -> Result<Option<Listing>, sqlx::Error> {
    Ok(listings(conn, &[id]).await?.pop())
}

/// [`listing`], locked against changes until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: ListingId) -> Result<Listing, ListingError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM listings WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    listing(conn, id).await?.ok_or(ListingError::NotFound)
}

/// [`lock`] of a listing that must be `seller`'s.
async fn lock_own(conn: &mut PgConnection, seller: OrgId, id: ListingId) -> Result<Listing, ListingError> {
    let listing = lock(conn, id).await?;
    if listing.seller_org_id == seller { Ok(listing) } else { Err(ListingError::NotFound) }
}

/// Listings of `seller` in every state, oldest first, after `after`.
pub async fn listings_of(
    conn: &mut PgConnection,
    seller: OrgId,
    after: Option<ListingId>,
    limit: i64,
) -> Result<Vec<Listing>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id AS "id: ListingId"
           FROM listings
           WHERE seller_org_id = $1
             AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
           ORDER BY id
           LIMIT $3"#,
        seller.0,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    listings(conn, &ids).await
}

#[cfg(test)]
mod tests;
