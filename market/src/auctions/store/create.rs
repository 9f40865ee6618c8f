//! Creating an auction for a published listing.

use shared::ids::{OrgId, UserId};
use shared::invalid::{ConstraintMessages, constraint_message, violated};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::AuctionError;
use crate::auctions::model::{AuctionStatus, LotMode, NewAuction};
use crate::auctions::rules::{IncrementTable, SOFT_CLOSE_SECONDS, check_terms, hard_end};
use crate::ids::{AuctionId, CategoryId, ListingId};
use crate::listings::model::{ListingStatus, SaleMode};
use crate::stock::model::{Holder, Want};
use crate::stock::store as stock;

const CONSTRAINTS: &ConstraintMessages = &[
    ("auctions_times_in_order", "/ends_at", "must lie after the start and not after the hard end"),
    ("auctions_length", "/hard_ends_at", "an auction lasts at most 366 days"),
    ("auctions_soft_close_range", "/soft_close_seconds", "must lie between 0 and 86400"),
    ("auctions_opening_positive", "/opening", "must be above zero and not absurd"),
    ("auctions_reserve_above_opening", "/reserve", "must be above the opening price and not absurd"),
    ("auctions_buy_now_above_opening", "/buy_now", "must be above the opening price and not absurd"),
    ("auctions_buy_now_reaches_reserve", "/buy_now", "must not be below the reserve"),
    ("auctions_shares_range", "/lot_mode", "a divisible lot has at most 1000 shares of the minimum quantity"),
    ("auctions_second_chances_range", "/second_chances", "must lie between 0 and 10"),
    ("auctions_per_day", "", "the organisation has made 10000 auctions within a day"),
    ("auctions_divisible_is_plain", "/lot_mode", "a divisible lot has neither reserve nor buy-now"),
];

/// Creates an auction for `seller`'s published listing: live at once if its start has come,
/// otherwise scheduled. The lot of a listing with a site is reserved there until the auction is decided. Needs a transaction.
pub async fn create(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    listing: ListingId,
    new: &NewAuction,
) -> Result<AuctionId, AuctionError> {
    // Shared lock: the listing stays published until this commits.
    let row = sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT status, sale_mode, currency, quantity, min_quantity, item_id, site_id
               FROM listings
               WHERE id = $1
                 AND seller_org_id = $2
               FOR SHARE
           )
           SELECT l.status AS "status: ListingStatus", l.sale_mode AS "sale_mode: SaleMode",
                  l.currency AS "currency: Currency", l.quantity, l.min_quantity, l.site_id IS NOT NULL AS "from_stock!",
                  i.category_id AS "category: CategoryId", clock_timestamp() AS "now!"
           FROM locked AS l
           JOIN items AS i ON i.id = l.item_id"#,
        listing.0,
        seller.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AuctionError::NotFound)?;
    if row.status != ListingStatus::Published || !row.sale_mode.is_auction() {
        return Err(AuctionError::NotForAuction);
    }
    check_terms(new, row.sale_mode, row.currency, row.now)?;
    let increments = increment_table(conn, row.category, row.currency).await?;
    let starts_at = new.starts_at.unwrap_or(row.now);
    let status = if starts_at <= row.now { AuctionStatus::Live } else { AuctionStatus::Scheduled };
    let id = AuctionId::generate();
    let written = sqlx::query!(
        "INSERT INTO auctions
             (id, listing_id, seller_org_id, currency, status, lot_mode, quantity, min_order, starts_at, ends_at,
              original_ends_at, hard_ends_at, soft_close_seconds, opening_minor, reserve_minor, buy_now_minor,
              increment_table_id, brokers_excluded, price_minor, next_minimum_minor, created_by, second_chances)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, $16, $17, $13, $13, $18, $19)",
        id.0,
        listing.0,
        seller.0,
        row.currency as Currency,
        status as AuctionStatus,
        new.lot_mode as LotMode,
        row.quantity,
        row.min_quantity,
        starts_at,
        new.ends_at,
        new.hard_ends_at.unwrap_or_else(|| hard_end(new.ends_at)),
        new.soft_close_seconds.unwrap_or(SOFT_CLOSE_SECONDS),
        new.opening.minor(),
        new.reserve.map(|reserve| reserve.0.minor()),
        new.buy_now.map(Money::minor),
        increments,
        new.brokers_excluded,
        by.0,
        new.second_chances.unwrap_or(1),
    )
    .execute(&mut *conn)
    .await;
    match written {
        Ok(_) => {}
        Err(error) if violated(&error) == Some("auctions_one_open_per_listing") => {
            return Err(AuctionError::AlreadyOpen);
        }
        Err(error) => {
            return match constraint_message(&error, CONSTRAINTS) {
                Some(invalid) => Err(invalid.into()),
                None => Err(error.into()),
            };
        }
    }
    if row.from_stock {
        stock::reserve(conn, &[Want { listing, quantity: row.quantity, holder: Holder::Auction(id) }]).await?;
    }
    Ok(id)
}

/// The latest table for this currency of the nearest category up the path; the default table when
/// nobody has set one.
async fn increment_table(
    conn: &mut PgConnection,
    category: CategoryId,
    currency: Currency,
) -> Result<i64, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT t.id
         FROM increment_tables AS t
         LEFT JOIN categories AS above ON above.id = t.category_id
         JOIN categories AS own ON own.id = $1
         WHERE t.currency = $2
           AND (t.category_id IS NULL OR own.path = above.path OR starts_with(own.path, above.path || '/'))
         ORDER BY length(above.path) DESC NULLS LAST, t.revision DESC
         LIMIT 1",
        category.0,
        currency as Currency,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = found {
        return Ok(id);
    }
    let table = IncrementTable::default_for(currency);
    sqlx::query!(
        "INSERT INTO increment_tables (currency, revision, below, steps)
         VALUES ($1, 1, $2, $3)
         ON CONFLICT DO NOTHING",
        currency as Currency,
        table.below(),
        table.steps(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "SELECT id
         FROM increment_tables
         WHERE category_id IS NULL
           AND currency = $1
         ORDER BY revision DESC
         LIMIT 1",
        currency as Currency,
    )
    .fetch_one(conn)
    .await
}
