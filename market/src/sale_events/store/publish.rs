//! Lots become auctions, or are cancelled with their event.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use shared::money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Locked, SaleEventError, lock_own};
use crate::auctions::model::{AuctionView, LotMode, NewAuction, SecretMoney};
use crate::auctions::store::{self as auctions, AuctionError};
use crate::ids::{AuctionId, CategoryId, ListingId, SaleEventId};
use crate::money::store::tariffs;
use crate::sale_events::rules::{NotDone, Planned, Stored, decide_draft};

struct Lot {
    number: i32,
    group_no: Option<i32>,
    listing: ListingId,
    category: CategoryId,
    opening_minor: i64,
    reserve_minor: Option<i64>,
    buy_now_minor: Option<i64>,
}

impl Lot {
    fn terms(&self, event: &Locked, planned: &Planned) -> NewAuction {
        let money = |minor| Money::from_minor(minor, event.currency);
        NewAuction {
            starts_at: Some(event.starts_at),
            ends_at: planned.ends_at,
            hard_ends_at: Some(planned.hard_ends_at),
            soft_close_seconds: Some(event.soft_close_seconds),
            opening: money(self.opening_minor),
            reserve: self.reserve_minor.map(|minor| SecretMoney::new(money(minor))),
            buy_now: self.buy_now_minor.map(money),
            lot_mode: LotMode::Whole,
            brokers_excluded: false,
            second_chances: None,
        }
    }
}

/// Publishes a draft: each lot becomes an auction, all or none; returns them in the order of the lots. Writes that to the audit log.
/// Needs a transaction.
pub async fn publish(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    event: SaleEventId,
) -> Result<Vec<AuctionId>, SaleEventError> {
    let locked = lock_own(conn, seller, event).await?;
    decide_draft(locked.status)?;
    let lots = lots_to_publish(conn, event).await?;
    if lots.is_empty() {
        return Err(NotDone::NoLots.into());
    }
    let numbers: Vec<_> = lots.iter().map(|lot| (lot.number, lot.group_no)).collect();
    let plan = locked.timetable().plan(&numbers);
    make_groups(conn, event, &plan).await?;
    let sales: Vec<_> = lots.iter().map(|lot| (seller, lot.category, locked.currency)).collect();
    let tariffs = tariffs::of_sales(conn, &sales).await?;
    let mut made: BTreeMap<i32, (AuctionId, Option<i64>)> = BTreeMap::new();
    for ((lot, planned), tariffs) in lots.iter().zip(&plan).zip(tariffs) {
        let auction = auctions::create(conn, seller, by, lot.listing, &lot.terms(&locked, planned)).await;
        let auction = auction.map_err(|error| refused(lot.number, error))?;
        made.insert(lot.number, (auction, tariffs.premium.map(|premium| premium.id)));
    }
    write(conn, event, &made).await?;
    let data = json!({"seller": seller, "lots": made.len()});
    let subject = ("sale_event", event.to_string());
    audit::append(conn, audit::Entry { actor: Actor::User(by), action: "sale_event.publish", subject, data }).await?;
    Ok(made.into_values().map(|(auction, _)| auction).collect())
}

/// Why a lot is no auction. When it ends follows from the event, and so does what is wrong with that.
fn refused(lot_no: i32, error: AuctionError) -> SaleEventError {
    match error {
        AuctionError::Invalid(Invalid { pointer, message }) if pointer == "/ends_at" => {
            Invalid::new("/first_ends_at", format!("lot {lot_no}: {message}")).into()
        }
        error => SaleEventError::Lot { lot_no, error: Box::new(error) },
    }
}

/// The lots in the order in which stock is locked, with their listings locked: whoever auctions one of them by itself holds that listing,
/// and waits for stock. Sharing the listings with them, we would wait for their auction with the stock in our hands.
async fn lots_to_publish(conn: &mut PgConnection, event: SaleEventId) -> Result<Vec<Lot>, sqlx::Error> {
    sqlx::query!(
        "SELECT
         FROM listings
         WHERE id IN (SELECT listing_id FROM sale_event_lots WHERE event_id = $1)
         ORDER BY id
         FOR NO KEY UPDATE",
        event.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        Lot,
        r#"SELECT t.lot_no AS number, t.group_no, t.listing_id AS "listing: ListingId", i.category_id AS "category: CategoryId",
                  t.opening_minor, t.reserve_minor, t.buy_now_minor
           FROM sale_event_lots AS t
           JOIN listings AS l ON l.id = t.listing_id
           JOIN items AS i ON i.id = l.item_id
           WHERE t.event_id = $1
           ORDER BY l.item_id, l.site_id, t.lot_no"#,
        event.0,
    )
    .fetch_all(conn)
    .await
}

async fn make_groups(conn: &mut PgConnection, event: SaleEventId, plan: &[Planned]) -> Result<(), sqlx::Error> {
    let groups: BTreeSet<_> = plan.iter().filter_map(|lot| Some((lot.group?, lot.hard_ends_at))).collect();
    let (numbers, hard_ends): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
    sqlx::query!(
        "INSERT INTO sale_event_groups (event_id, group_no, hard_ends_at)
         SELECT $1, number, hard_end
         FROM unnest($2::integer[], $3::timestamptz[]) AS made (number, hard_end)",
        event.0,
        &numbers,
        &hard_ends,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn write(
    conn: &mut PgConnection,
    event: SaleEventId,
    made: &BTreeMap<i32, (AuctionId, Option<i64>)>,
) -> Result<(), sqlx::Error> {
    let numbers: Vec<_> = made.keys().copied().collect();
    let auctions: Vec<_> = made.values().map(|(auction, _)| auction.0).collect();
    let tariffs: Vec<_> = made.values().map(|(_, tariff)| *tariff).collect();
    sqlx::query!("UPDATE auctions SET sale_event_id = $1 WHERE id = ANY ($2)", event.0, &auctions)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE sale_event_lots AS l
         SET auction_id = made.auction,
             premium_tariff_id = made.tariff
         FROM unnest($2::integer[], $3::uuid[], $4::bigint[]) AS made (number, auction, tariff)
         WHERE l.event_id = $1
           AND l.lot_no = made.number",
        event.0,
        &numbers,
        &auctions,
        &tariffs as &[Option<i64>],
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE sale_events SET status = 'published', published_at = clock_timestamp() WHERE id = $1",
        event.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cancels an event of which no lot has bids or is decided, with all of its auctions, which it returns; what is reserved of limits is
/// free. Writes that to the audit log. Needs a transaction.
pub async fn cancel(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    event: SaleEventId,
) -> Result<Vec<AuctionView>, SaleEventError> {
    let locked = lock_own(conn, seller, event).await?;
    if locked.status == Stored::Cancelled {
        return Err(NotDone::Cancelled.into());
    }
    let mut cancelled = Vec::new();
    for (lot_no, auction) in lots_to_cancel(conn, event).await? {
        match auctions::cancel(conn, Actor::User(by), auction, Some(seller)).await {
            Ok(view) => cancelled.push(view),
            Err(AuctionError::NotCancellable) => return Err(NotDone::HasBids.into()),
            Err(error) => return Err(SaleEventError::Lot { lot_no, error: Box::new(error) }),
        }
    }
    sqlx::query!(
        "UPDATE sale_events SET status = 'cancelled', cancelled_at = clock_timestamp() WHERE id = $1",
        event.0,
    )
    .execute(&mut *conn)
    .await?;
    let data = json!({"seller": seller, "lots": cancelled.len()});
    let subject = ("sale_event", event.to_string());
    audit::append(conn, audit::Entry { actor: Actor::User(by), action: "sale_event.cancel", subject, data }).await?;
    Ok(cancelled)
}

/// The auctions of an event, all of them locked in the order of their ids before anything else is; without those that were cancelled one
/// by one.
async fn lots_to_cancel(conn: &mut PgConnection, event: SaleEventId) -> Result<Vec<(i32, AuctionId)>, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        "SELECT id FROM auctions WHERE id IN (SELECT auction_id FROM sale_event_lots WHERE event_id = $1) ORDER BY id FOR NO KEY UPDATE",
        event.0,
    );
    let locked: Vec<Uuid> = locked.fetch_all(&mut *conn).await?;
    let rows = sqlx::query!(
        r#"SELECT l.lot_no, a.id AS "auction: AuctionId"
           FROM sale_event_lots AS l
           JOIN auctions AS a ON a.id = l.auction_id
           WHERE l.event_id = $1
             AND a.id = ANY ($2)
             AND a.status <> 'cancelled'
           ORDER BY l.lot_no"#,
        event.0,
        &locked,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lot_no, row.auction)).collect())
}
