//! Sale events while only their seller sees them.

use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{SaleEventError, lock_own};
use crate::ids::SaleEventId;
use crate::sale_events::model::{NewSaleEvent, NewSaleEventLot, SaleEventChange};
use crate::sale_events::rules::{decide_draft, judge_first_end};

const STEP_MS: i32 = 30_000;
const SOFT_CLOSE_SECONDS: i32 = 300;
const HARD_CLOSE_SECONDS: i32 = 3_600;

fn in_currency(pointer: &'static str, amount: Option<Money>, currency: Currency) -> Result<Option<i64>, Invalid> {
    match amount {
        Some(amount) if amount.currency() != currency => {
            Err(Invalid::new(pointer, "must be the sale event's currency"))
        }
        amount => Ok(amount.map(Money::minor)),
    }
}

/// Makes a draft.
pub async fn create(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    new: &NewSaleEvent,
) -> Result<SaleEventId, SaleEventError> {
    let limit = in_currency("/default_limit/currency", new.default_limit, new.currency)?;
    judge_first_end(new.first_ends_at)?;
    let id = SaleEventId::generate();
    sqlx::query!(
        "INSERT INTO sale_events
             (id, seller_org_id, title, description, currency, starts_at, first_ends_at, step_ms, soft_close_seconds,
              hard_close_seconds, default_limit_minor, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id.0,
        seller.0,
        new.title,
        new.description,
        new.currency as Currency,
        new.starts_at,
        new.first_ends_at,
        new.step_ms.unwrap_or(STEP_MS),
        new.soft_close_seconds.unwrap_or(SOFT_CLOSE_SECONDS),
        new.hard_close_seconds.unwrap_or(HARD_CLOSE_SECONDS),
        limit,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Changes a draft. Needs a transaction.
pub async fn change(
    conn: &mut PgConnection,
    seller: OrgId,
    event: SaleEventId,
    change: &SaleEventChange,
) -> Result<(), SaleEventError> {
    let locked = lock_own(conn, seller, event).await?;
    decide_draft(locked.status)?;
    let limit = match change.default_limit {
        Some(limit) => in_currency("/default_limit/currency", limit, locked.currency)?,
        None => locked.default_limit_minor,
    };
    let first_ends_at = change.first_ends_at.unwrap_or(locked.first_ends_at);
    judge_first_end(first_ends_at)?;
    sqlx::query!(
        "UPDATE sale_events
         SET title = coalesce($2, title),
             description = coalesce($3, description),
             starts_at = $4,
             first_ends_at = $5,
             step_ms = $6,
             soft_close_seconds = $7,
             hard_close_seconds = $8,
             default_limit_minor = $9
         WHERE id = $1",
        event.0,
        change.title.as_deref(),
        change.description.as_deref(),
        change.starts_at.unwrap_or(locked.starts_at),
        first_ends_at,
        change.step_ms.unwrap_or(locked.step_ms),
        change.soft_close_seconds.unwrap_or(locked.soft_close_seconds),
        change.hard_close_seconds.unwrap_or(locked.hard_close_seconds),
        limit,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a lot into a draft; returns its number. Needs a transaction.
pub async fn add_lot(
    conn: &mut PgConnection,
    seller: OrgId,
    event: SaleEventId,
    lot: &NewSaleEventLot,
) -> Result<i32, SaleEventError> {
    let locked = lock_own(conn, seller, event).await?;
    decide_draft(locked.status)?;
    let opening = in_currency("/opening/currency", Some(lot.opening), locked.currency)?;
    let reserve = in_currency("/reserve/currency", lot.reserve.map(|reserve| reserve.0), locked.currency)?;
    let buy_now = in_currency("/buy_now/currency", lot.buy_now, locked.currency)?;
    let lot_no = sqlx::query_scalar!(
        "INSERT INTO sale_event_lots
             (event_id, lot_no, seller_org_id, currency, listing_id, group_no, opening_minor, reserve_minor, buy_now_minor)
         SELECT $1, coalesce($2, (SELECT max(lot_no) FROM sale_event_lots WHERE event_id = $1) + 1, 1), $3, $4, $5, $6, $7, $8, $9
         RETURNING lot_no",
        event.0,
        lot.lot_no,
        seller.0,
        locked.currency as Currency,
        lot.listing_id.0,
        lot.group,
        opening,
        reserve,
        buy_now,
    )
    .fetch_one(conn)
    .await?;
    Ok(lot_no)
}

/// Takes a lot out of a draft; the numbers of the others stay. Needs a transaction.
pub async fn remove_lot(
    conn: &mut PgConnection,
    seller: OrgId,
    event: SaleEventId,
    lot_no: i32,
) -> Result<(), SaleEventError> {
    let locked = lock_own(conn, seller, event).await?;
    decide_draft(locked.status)?;
    let gone = sqlx::query!("DELETE FROM sale_event_lots WHERE event_id = $1 AND lot_no = $2", event.0, lot_no)
        .execute(conn)
        .await?;
    if gone.rows_affected() == 1 { Ok(()) } else { Err(SaleEventError::NotFound("lot")) }
}
