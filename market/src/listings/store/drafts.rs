//! Drafts, until others see them and after.

use shared::ids::{OrgId, UserId};
use shared::invalid::{Faults, Invalid};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{ListingError, lock_own};
use crate::catalog::store::lock_offered;
use crate::ids::{ItemId, ListingId, SiteId};
use crate::listings::model::{Language, Listing, ListingChange, ListingStatus, NewListing, SaleMode};
use crate::listings::rules::{self, KNOWN_AFTER};
use crate::plans::store as plans;

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
    not_archived(conn, new.item_id).await?;
    if let Some(site) = new.site_id {
        in_use(conn, site).await?;
    }
    let id = ListingId::generate();
    sqlx::query!(
        "INSERT INTO listings
             (id, seller_org_id, item_id, created_by, title, description, language, sale_mode, currency, price_minor,
              quantity, min_quantity, delivery_options, site_id, takes_offers)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        id.0,
        seller.0,
        new.item_id.0,
        by.0,
        new.title,
        new.description,
        new.language as Language,
        new.sale_mode as SaleMode,
        new.currency as Currency,
        new.price.map(Money::minor),
        new.quantity,
        new.min_quantity,
        &new.delivery_options,
        new.site_id.map(|site| site.0),
        new.takes_offers,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Refuses an item that has left the lists; one that does not exist is reported by the foreign key.
async fn not_archived(conn: &mut PgConnection, item: ItemId) -> Result<(), ListingError> {
    let archived =
        sqlx::query_scalar!(r#"SELECT archived_at IS NOT NULL AS "archived!" FROM items WHERE id = $1"#, item.0)
            .fetch_optional(conn)
            .await?;
    if archived == Some(true) { Err(Invalid::new("/item_id", "was archived").into()) } else { Ok(()) }
}

/// Refuses a site that is not used any more; one that does not exist is reported by the foreign key.
async fn in_use(conn: &mut PgConnection, site: SiteId) -> Result<(), ListingError> {
    let archived =
        sqlx::query_scalar!(r#"SELECT archived_at IS NOT NULL AS "archived!" FROM sites WHERE id = $1"#, site.0)
            .fetch_optional(conn)
            .await?;
    if archived == Some(true) { Err(Invalid::new("/site_id", "was archived").into()) } else { Ok(()) }
}

/// Changes `draft`, which is locked.
pub async fn change(conn: &mut PgConnection, draft: &Listing, change: &ListingChange) -> Result<(), ListingError> {
    if draft.status != ListingStatus::Draft {
        return Err(ListingError::WrongStatus(draft.status));
    }
    let currency = change.currency.unwrap_or(draft.currency);
    match (change.price, draft.price) {
        (Some(Some(price)), _) if price.currency() != currency => {
            return Err(Invalid::new("/price/currency", "must be the listing's currency").into());
        }
        (None, Some(price)) if price.currency() != currency => {
            let message = format!("the price is in {}: send one in {currency} as well", price.currency());
            return Err(Invalid::new("/currency", message).into());
        }
        _ => {}
    }
    if let Some(item) = change.item_id {
        not_archived(conn, item).await?;
    }
    if let Some(Some(site)) = change.site_id {
        in_use(conn, site).await?;
    }
    sqlx::query!(
        "UPDATE listings
         SET item_id = coalesce($2, item_id),
             title = coalesce($3, title),
             description = coalesce($4, description),
             language = coalesce($5, language),
             sale_mode = coalesce($6, sale_mode),
             currency = $7,
             price_minor = CASE WHEN $8 THEN $9 ELSE price_minor END,
             quantity = coalesce($10, quantity),
             min_quantity = coalesce($11, min_quantity),
             delivery_options = coalesce($12, delivery_options),
             site_id = CASE WHEN $13 THEN $14 ELSE site_id END,
             takes_offers = coalesce($15, takes_offers),
             updated_at = clock_timestamp()
         WHERE id = $1",
        draft.id.0,
        change.item_id.map(|item| item.0),
        change.title,
        change.description,
        change.language as Option<Language>,
        change.sale_mode as Option<SaleMode>,
        currency as Currency,
        change.price.is_some(),
        change.price.flatten().map(Money::minor),
        change.quantity,
        change.min_quantity,
        change.delivery_options.as_deref(),
        change.site_id.is_some(),
        change.site_id.flatten().map(|site| site.0),
        change.takes_offers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets the fixed price of `listing`, which is published and locked.
pub async fn reprice(conn: &mut PgConnection, listing: &Listing, price: Money) -> Result<(), ListingError> {
    if listing.status != ListingStatus::Published {
        return Err(ListingError::WrongStatus(listing.status));
    }
    if listing.sale_mode != SaleMode::Fixed {
        return Err(ListingError::NotFixed);
    }
    if price.currency() != listing.currency {
        return Err(Invalid::new("/price/currency", "must be the listing's currency").into());
    }
    sqlx::query!(
        "UPDATE listings
         SET price_minor = $2,
             updated_at = clock_timestamp()
         WHERE id = $1",
        listing.id.0,
        price.minor(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everything that keeps a draft from being published.
pub async fn missing(conn: &mut PgConnection, draft: &Listing) -> Result<Vec<Invalid>, ListingError> {
    let item = lock_offered(conn, draft.item_id).await?;
    Ok(rules::missing(draft, item.faults()))
}

/// Shows a draft of `seller` to everybody, or to moderators where its category asks for that.
pub async fn publish(conn: &mut PgConnection, seller: OrgId, id: ListingId) -> Result<ListingStatus, ListingError> {
    let draft = lock_own(conn, seller, id).await?;
    if draft.status != ListingStatus::Draft {
        return Err(ListingError::WrongStatus(draft.status));
    }
    lock_plan(conn, seller).await?;
    let item = lock_offered(conn, draft.item_id).await?;
    if let Some(faults) = Faults::of(rules::missing(&draft, item.faults())) {
        return Err(ListingError::Incomplete(faults));
    }
    keep_to_plan(conn, seller).await?;
    let published = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM (SELECT FROM listings WHERE seller_org_id = $1 AND published_at IS NOT NULL LIMIT $2) AS shown"#,
        seller.0,
        KNOWN_AFTER,
    )
    .fetch_one(&mut *conn)
    .await?;
    let status = rules::published_as(item.review, published);
    sqlx::query!(
        "UPDATE listings
         SET status = $2,
             status_reason = NULL,
             published_at = CASE $2 WHEN 'published' THEN clock_timestamp() END,
             submitted_at = CASE $2 WHEN 'in_review' THEN clock_timestamp() END,
             updated_at = clock_timestamp()
         WHERE id = $1",
        id.0,
        status as ListingStatus,
    )
    .execute(conn)
    .await?;
    Ok(status)
}

/// Locks the organisation of a seller whose plan has a limit of listings, so that two at once do not both find room. Whoever publishes
/// several in a transaction does so before the first item, since items are locked after it.
pub async fn lock_plan(conn: &mut PgConnection, seller: OrgId) -> Result<(), ListingError> {
    if plans::limits(conn, seller).await?.published_listings.is_some() {
        sqlx::query!("SELECT FROM orgs WHERE id = $1 FOR NO KEY UPDATE", seller.0).fetch_optional(&mut *conn).await?;
    }
    Ok(())
}

/// Refuses one more than the seller's plan allows, counting those that a moderator looks at. Read after the lock: the plan may allow less
/// than it did before.
async fn keep_to_plan(conn: &mut PgConnection, seller: OrgId) -> Result<(), ListingError> {
    let Some(most) = plans::limits(conn, seller).await?.published_listings else { return Ok(()) };
    let shown = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM (SELECT FROM listings WHERE seller_org_id = $1 AND status IN ('published', 'in_review') LIMIT $2) AS shown"#,
        seller.0,
        i64::from(most),
    )
    .fetch_one(conn)
    .await?;
    if shown >= i64::from(most) { Err(ListingError::PlanLimit(most)) } else { Ok(()) }
}

/// Withdraws a listing of `seller`. If it has an open auction, that must be cancelled first.
pub async fn withdraw(conn: &mut PgConnection, seller: OrgId, id: ListingId) -> Result<(), ListingError> {
    let listing = lock_own(conn, seller, id).await?;
    let done = sqlx::query!(
        "UPDATE listings
         SET status = 'withdrawn',
             updated_at = clock_timestamp()
         WHERE id = $1
           AND status IN ('draft', 'in_review', 'published', 'suspended')
           AND NOT EXISTS (SELECT FROM auctions WHERE listing_id = $1 AND status IN ('scheduled', 'live'))",
        id.0,
    )
    .execute(conn)
    .await?;
    match (done.rows_affected(), listing.status) {
        (0, ListingStatus::Published | ListingStatus::Suspended) => Err(ListingError::AuctionOpen),
        (0, status) => Err(ListingError::WrongStatus(status)),
        _ => Ok(()),
    }
}
