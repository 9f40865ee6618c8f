//! Sale events and their lots, as everybody sees them.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::auctions::model::AuctionStatus;
use crate::ids::{AuctionId, ListingId, SaleEventId};
use crate::sale_events::model::{SaleEvent, SaleEventLot};
use crate::sale_events::rules::{Stored, Timetable, shown};

/// An event, and whether only its seller may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub event: SaleEvent,
    /// A draft, one that was never published, or one whose seller is suspended.
    pub hidden: bool,
}

async fn events(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Owned>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT e.id AS "id: SaleEventId", e.seller_org_id AS "seller: OrgId", e.title, e.description,
                  e.currency AS "currency: Currency", e.status AS "status: Stored", e.starts_at, e.first_ends_at, e.step_ms,
                  e.soft_close_seconds, e.hard_close_seconds, e.default_limit_minor,
                  e.published_at IS NULL OR o.status <> 'approved' AS "hidden!",
                  (SELECT count(*) FROM sale_event_lots AS l WHERE l.event_id = e.id) AS "lots!",
                  (SELECT count(*)
                   FROM sale_event_lots AS l
                   JOIN auctions AS a ON a.id = l.auction_id
                   WHERE l.event_id = e.id
                     AND a.status IN ('scheduled', 'live')) AS "open!",
                  clock_timestamp() AS "now!"
           FROM sale_events AS e
           JOIN orgs AS o ON o.id = e.seller_org_id
           WHERE e.id = ANY ($1)
           ORDER BY e.id DESC"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let events = rows.into_iter().map(|row| Owned {
        event: SaleEvent {
            id: row.id,
            seller_org_id: row.seller,
            title: row.title,
            description: row.description,
            currency: row.currency,
            status: shown(row.status, row.starts_at, row.open, row.now),
            starts_at: row.starts_at,
            first_ends_at: row.first_ends_at,
            step_ms: row.step_ms,
            soft_close_seconds: row.soft_close_seconds,
            hard_close_seconds: row.hard_close_seconds,
            default_limit: row.default_limit_minor.map(|minor| Money::from_minor(minor, row.currency)),
            lots: row.lots,
            lots_open: row.open,
        },
        hidden: row.hidden,
    });
    Ok(events.collect())
}

/// The event, whoever asks.
pub async fn get(conn: &mut PgConnection, event: SaleEventId) -> Result<Option<Owned>, sqlx::Error> {
    Ok(events(conn, &[event.0]).await?.pop())
}

/// Up to `limit` events, newest first, before `before`: those that everybody may see, or with `of` all of one seller.
pub async fn page(
    conn: &mut PgConnection,
    of: Option<OrgId>,
    before: Option<SaleEventId>,
    limit: i64,
) -> Result<Vec<SaleEvent>, sqlx::Error> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let ids = match of {
        Some(seller) => {
            sqlx::query_scalar!(
                "SELECT id FROM sale_events WHERE seller_org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                seller.0,
                before,
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
        None => {
            sqlx::query_scalar!(
                "SELECT e.id
                 FROM sale_events AS e
                 JOIN orgs AS o ON o.id = e.seller_org_id
                 WHERE e.published_at IS NOT NULL
                   AND o.status = 'approved'
                   AND e.id < $1
                 ORDER BY e.id DESC
                 LIMIT $2",
                before,
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    Ok(events(conn, &ids).await?.into_iter().map(|owned| owned.event).collect())
}

struct LotRow {
    lot_no: i32,
    group_no: Option<i32>,
    listing: ListingId,
    title: String,
    auction: Option<AuctionId>,
    status: Option<AuctionStatus>,
    price_minor: i64,
    bid_count: i64,
    ends_at: Option<DateTime<Utc>>,
}

/// Up to `limit` lots of an event after the one numbered `after`. What a moderator has suspended is left out.
pub async fn lots(
    conn: &mut PgConnection,
    event: &SaleEvent,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<SaleEventLot>, sqlx::Error> {
    let rows = sqlx::query_as!(
        LotRow,
        r#"SELECT t.lot_no, t.group_no, t.listing_id AS "listing: ListingId", l.title, t.auction_id AS "auction: AuctionId",
                  a.status AS "status?: AuctionStatus", coalesce(a.price_minor, t.opening_minor) AS "price_minor!",
                  coalesce(a.bid_count, 0) AS "bid_count!", a.ends_at AS "ends_at?"
           FROM sale_event_lots AS t
           JOIN listings AS l ON l.id = t.listing_id
           LEFT JOIN auctions AS a ON a.id = t.auction_id
           WHERE t.event_id = $1
             AND t.lot_no > $2
             AND NOT coalesce(a.suspended, false)
           ORDER BY t.lot_no
           LIMIT $3"#,
        event.id.0,
        after.unwrap_or(0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let timetable = Timetable {
        first_ends_at: event.first_ends_at,
        step: TimeDelta::milliseconds(event.step_ms.into()),
        hard_close: TimeDelta::seconds(event.hard_close_seconds.into()),
    };
    let lots = rows.into_iter().map(|row| SaleEventLot {
        lot_no: row.lot_no,
        group: row.group_no,
        listing_id: row.listing,
        title: row.title,
        auction_id: row.auction,
        status: row.status,
        price: Money::from_minor(row.price_minor, event.currency),
        bid_count: row.bid_count,
        ends_at: row.ends_at.unwrap_or_else(|| timetable.ends_at(row.lot_no)),
    });
    Ok(lots.collect())
}
