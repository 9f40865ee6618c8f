//! How far sale events have got, for those who watch them.

use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{AuctionId, SaleEventId};
use crate::sale_events::model::{CurrentLot, SaleEventProgress};

/// The progress of these events, as far as they are published and their sellers not suspended.
pub async fn progress(conn: &mut PgConnection, events: &[SaleEventId]) -> Result<Vec<SaleEventProgress>, sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows = sqlx::query!(
        r#"SELECT e.id AS "id: SaleEventId", e.currency AS "currency: Currency", all_lots.open AS "open!", all_lots.seq AS "seq!",
                  c.lot_no AS "lot_no?", c.auction_id AS "auction_id?: AuctionId", c.price_minor AS "price_minor?",
                  c.bid_count AS "bid_count?", c.ends_at AS "ends_at?"
           FROM sale_events AS e
           JOIN orgs AS o ON o.id = e.seller_org_id
           CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE a.status IN ('scheduled', 'live')) AS open,
                      coalesce(sum(a.version), 0)::bigint AS seq
               FROM sale_event_lots AS l
               JOIN auctions AS a ON a.id = l.auction_id
               WHERE l.event_id = e.id
           ) AS all_lots
           LEFT JOIN LATERAL (
               SELECT l.lot_no, l.auction_id, a.price_minor, a.bid_count, a.ends_at
               FROM sale_event_lots AS l
               JOIN auctions AS a ON a.id = l.auction_id
               WHERE l.event_id = e.id
                 AND a.status IN ('scheduled', 'live')
                 AND NOT a.suspended
               ORDER BY a.ends_at, l.lot_no
               LIMIT 1
           ) AS c ON true
           WHERE e.id = ANY ($1)
             AND e.published_at IS NOT NULL
             AND o.status = 'approved'"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let progress = rows.into_iter().map(|row| {
        let lot = (row.lot_no, row.auction_id, row.price_minor, row.bid_count, row.ends_at);
        let current = match lot {
            (Some(lot_no), Some(auction_id), Some(price), Some(bid_count), Some(ends_at)) => Some(CurrentLot {
                lot_no,
                auction_id,
                price: Money::from_minor(price, row.currency),
                bid_count,
                ends_at,
            }),
            _ => None,
        };
        SaleEventProgress { id: row.id, seq: row.seq, lots_open: row.open, current }
    });
    Ok(progress.collect())
}
