//! The store on a real server.

mod acts;
mod limits;
mod machine;
mod races;
mod timetable;

use chrono::TimeDelta;
use shared::ids::OrgId;
use shared::testing::TestDb;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres};

use super::*;
use crate::auctions::model::{AuctionStatus, CloseOutcome, PlacedBid};
use crate::auctions::rules::{Effect, Refused};
use crate::auctions::store::{self as auctions, PlaceBid, place_bid};
use crate::ids::AuctionId;
use crate::testing::{Trader, end_in, eur, register, sale_event, secret, trader};

/// A database with a seller and two bidders.
struct TestSale {
    db: TestDb,
    seller: Trader,
    bidders: [Trader; 2],
}

impl TestSale {
    async fn new() -> (Self, PoolConnection<Postgres>) {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.unwrap();
        let seller = trader(&mut conn).await;
        let bidders = [trader(&mut conn).await, trader(&mut conn).await];
        (Self { db, seller, bidders }, conn)
    }

    async fn close(self, conn: PoolConnection<Postgres>) {
        drop(conn);
        self.db.close().await;
    }
}

/// Places a bid in a transaction of its own.
async fn bid(conn: &mut PgConnection, auction: AuctionId, by: Trader, cents: i64) -> Result<PlacedBid, AuctionError> {
    let mut tx = conn.begin().await?;
    let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity: None };
    let placed = place_bid(&mut tx, &place).await?;
    tx.commit().await?;
    Ok(placed)
}

fn refusal(result: Result<PlacedBid, AuctionError>) -> Refused {
    match result {
        Err(AuctionError::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn close_lot(conn: &mut PgConnection, auction: AuctionId) -> CloseOutcome {
    let mut tx = conn.begin().await.unwrap();
    let outcome = auctions::close(&mut tx, auction).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

/// What is reserved of a bidder's limit, in cents.
async fn reserved(conn: &mut PgConnection, event: SaleEventId, bidder: Trader) -> i64 {
    own(conn, bidder.org, event).await.unwrap().expect("registered").reserved.minor()
}

/// What is reserved is what the lots say by themselves: the maximum of whoever leads an open one, what was awarded in a decided one.
async fn assert_reserved_as_recomputed(conn: &mut PgConnection, event: SaleEventId) {
    let rows: Vec<(OrgId, i64, i64, i64)> = sqlx::query_as(
        "SELECT b.org_id, b.limit_minor, b.reserved_minor,
                (SELECT coalesce(sum(CASE WHEN a.status IN ('scheduled', 'live', 'on_approval') THEN a.leader_max_minor
                                          ELSE w.amount_minor END), 0)::bigint
                 FROM sale_event_lots AS l
                 JOIN auctions AS a ON a.id = l.auction_id
                 LEFT JOIN awards AS w ON w.auction_id = a.id AND w.status = 'standing' AND w.org_id = b.org_id
                 WHERE l.event_id = b.event_id
                   AND (w.org_id IS NOT NULL
                        OR a.status IN ('scheduled', 'live', 'on_approval') AND a.leader_org_id = b.org_id))
         FROM sale_event_bidders AS b
         WHERE b.event_id = $1",
    )
    .bind(event)
    .fetch_all(conn)
    .await
    .unwrap();
    assert!(!rows.is_empty());
    for (org, limit, reserved, recomputed) in rows {
        assert_eq!(reserved, recomputed, "of {org}");
        assert!(reserved <= limit, "{org} has {reserved} of {limit}");
    }
}
