//! SQL for listings.
//!
//! Code that needs both locks the auction's row before the listing's, and changes the auction after
//! the listing. Creating an auction locks the listing first; an open auction that somebody has
//! locked but not changed refuses it without a wait.

mod moderate;

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::{OrgId, UserId};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::model::{Listing, ListingStatus, NewListing, SaleMode, Search};
use crate::catalog::store::{CatalogError, check_item};
use crate::ids::{CategoryId, ItemId, ListingId};

pub use moderate::{Moderated, reinstate, suspend};

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
    /// The item does not fit its category.
    #[error(transparent)]
    Item(CatalogError),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("listings_own_item", "/item_id", "the organisation has no such item"),
    ("listings_title_length", "/title", "must have 1 to 200 characters"),
    ("listings_description_length", "/description", "must have at most 20000 characters"),
    ("listings_currency_known", "/currency", "is not traded here"),
    ("listings_price_positive", "/price", "must be above zero and not absurd"),
    ("listings_price_by_mode", "/price", "a fixed sale needs a price, an auction has its own"),
    ("listings_quantity_positive", "/quantity", "must lie between 1 and 1000000000"),
    ("listings_min_quantity_range", "/min_quantity", "must lie between 1 and the quantity"),
    ("listings_per_org", "", "the organisation has 5000 listings: withdraw some first"),
    ("listings_per_day", "", "the organisation has made 10000 listings within a day"),
    ("listings_delivery_known", "/delivery_options", "must be some of pickup, parcel, freight, orbital"),
];

impl From<sqlx::Error> for ListingError {
    fn from(error: sqlx::Error) -> Self {
        match constraint_message(&error, CONSTRAINTS) {
            Some(invalid) => Self::Invalid(invalid),
            None => Self::Database(error),
        }
    }
}

struct Row {
    id: ListingId,
    seller_org_id: OrgId,
    seller_name: String,
    item_id: ItemId,
    category_id: CategoryId,
    title: String,
    description: String,
    attributes: Value,
    compatibility: Vec<String>,
    sale_mode: SaleMode,
    currency: Currency,
    price_minor: Option<i64>,
    quantity: i64,
    min_quantity: i64,
    unit: String,
    delivery_options: Vec<String>,
    status: ListingStatus,
    status_reason: Option<String>,
    published_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    seller_suspended: bool,
}

impl From<Row> for Listing {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            seller_org_id: row.seller_org_id,
            seller_name: row.seller_name,
            item_id: row.item_id,
            category_id: row.category_id,
            title: row.title,
            description: row.description,
            attributes: row.attributes,
            compatibility: row.compatibility,
            sale_mode: row.sale_mode,
            currency: row.currency,
            price: row.price_minor.map(|minor| Money::from_minor(minor, row.currency)),
            quantity: row.quantity,
            min_quantity: row.min_quantity,
            unit: row.unit,
            delivery_options: row.delivery_options,
            status: row.status,
            status_reason: row.status_reason,
            published_at: row.published_at,
            created_at: row.created_at,
            seller_suspended: row.seller_suspended,
        }
    }
}

/// Creates a draft for `seller`; the caller has checked that the organisation may sell.
pub async fn create(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    new: &NewListing,
) -> Result<ListingId, ListingError> {
    if new.price.is_some_and(|price| price.currency() != new.currency) {
        return Err(Invalid::new("/price/currency", "must be the listing's currency").into());
    }
    match check_item(conn, new.item_id).await {
        // A missing item is reported by the foreign key below.
        Ok(()) | Err(CatalogError::NotFound) => {}
        Err(error) => return Err(ListingError::Item(error)),
    }
    let id = ListingId::generate();
    sqlx::query!(
        "INSERT INTO listings
             (id, seller_org_id, item_id, created_by, title, description, sale_mode, currency, price_minor, quantity,
              min_quantity, delivery_options)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id.0,
        seller.0,
        new.item_id.0,
        by.0,
        new.title,
        new.description,
        new.sale_mode as SaleMode,
        new.currency as Currency,
        new.price.map(Money::minor),
        new.quantity,
        new.min_quantity,
        &new.delivery_options,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// These listings, whatever their state, in the order of `ids`; unknown ones are left out.
pub async fn listings(conn: &mut PgConnection, ids: &[ListingId]) -> Result<Vec<Listing>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT l.id AS "id: ListingId", l.seller_org_id AS "seller_org_id: OrgId", o.legal_name AS seller_name,
                  l.item_id AS "item_id: ItemId", i.category_id AS "category_id: CategoryId", l.title, l.description,
                  i.attributes, i.compatibility,
                  l.sale_mode AS "sale_mode: SaleMode", l.currency AS "currency: Currency", l.price_minor, l.quantity,
                  l.min_quantity, i.unit, l.delivery_options, l.status AS "status: ListingStatus", l.status_reason,
                  l.published_at, l.created_at, o.status = 'suspended' AS "seller_suspended!"
           FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
           JOIN listings AS l ON l.id = wanted.id
           JOIN items AS i ON i.id = l.item_id
           JOIN orgs AS o ON o.id = l.seller_org_id
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

/// Shows a draft of `seller` to everybody. Its item must fit the category as it is now.
pub async fn publish(conn: &mut PgConnection, seller: OrgId, id: ListingId) -> Result<(), ListingError> {
    if let Some(draft) = listing(conn, id).await?.filter(|listing| listing.seller_org_id == seller) {
        check_item(conn, draft.item_id).await.map_err(ListingError::Item)?;
    }
    let done = sqlx::query!(
        "UPDATE listings
         SET status = 'published',
             published_at = clock_timestamp(),
             updated_at = clock_timestamp()
         WHERE id = $1
           AND seller_org_id = $2
           AND status = 'draft'",
        id.0,
        seller.0,
    )
    .execute(&mut *conn)
    .await?;
    match done.rows_affected() {
        0 => Err(wrong_status(conn, seller, id).await?),
        _ => Ok(()),
    }
}

/// Withdraws a listing of `seller`. If it has an open auction, that must be cancelled first.
pub async fn withdraw(conn: &mut PgConnection, seller: OrgId, id: ListingId) -> Result<(), ListingError> {
    // Locked in a statement of its own: the next one then sees an auction created in the meantime.
    sqlx::query!("SELECT FROM listings WHERE id = $1 FOR NO KEY UPDATE", id.0).execute(&mut *conn).await?;
    let done = sqlx::query!(
        "UPDATE listings
         SET status = 'withdrawn',
             updated_at = clock_timestamp()
         WHERE id = $1
           AND seller_org_id = $2
           AND status IN ('draft', 'in_review', 'published', 'suspended')
           AND NOT EXISTS (SELECT FROM auctions WHERE listing_id = $1 AND status IN ('scheduled', 'live'))",
        id.0,
        seller.0,
    )
    .execute(&mut *conn)
    .await?;
    match done.rows_affected() {
        0 => Err(match wrong_status(conn, seller, id).await? {
            ListingError::WrongStatus(ListingStatus::Published | ListingStatus::Suspended) => ListingError::AuctionOpen,
            other => other,
        }),
        _ => Ok(()),
    }
}

/// Why an update found no row: it is not the seller's, or it is in another state.
async fn wrong_status(conn: &mut PgConnection, seller: OrgId, id: ListingId) -> Result<ListingError, sqlx::Error> {
    let status = sqlx::query_scalar!(
        r#"SELECT status AS "status: ListingStatus" FROM listings WHERE id = $1 AND seller_org_id = $2"#,
        id.0,
        seller.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(status.map_or(ListingError::NotFound, ListingError::WrongStatus))
}

/// Published listings, newest first; none from organisations that may not trade.
pub async fn search(conn: &mut PgConnection, search: &Search) -> Result<Vec<Listing>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT l.id AS "id: ListingId"
           FROM listings AS l
           JOIN items AS i ON i.id = l.item_id
           JOIN categories AS c ON c.id = i.category_id
           WHERE l.status = 'published'
             AND EXISTS (SELECT FROM orgs WHERE orgs.id = l.seller_org_id AND orgs.status = 'approved')
             AND ($1::text IS NULL OR l.search @@ websearch_to_tsquery('simple', $1))
             AND ($2::text IS NULL OR c.path = $2 OR starts_with(c.path, $2 || '/'))
             AND ($3::uuid IS NULL OR l.seller_org_id = $3)
             AND ($4::timestamptz IS NULL OR (l.published_at, l.id) < ($4, $5))
           ORDER BY l.published_at DESC, l.id DESC
           LIMIT $6"#,
        search.text,
        search.category_path,
        search.seller.map(|org| org.0),
        search.after.map(|after| after.published_at),
        search.after.map(|after| after.id.0),
        search.limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    listings(conn, &ids).await
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
