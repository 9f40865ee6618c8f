//! The store on a real server.

mod approvals;
mod bidding;
mod closed_together;
mod closing;
mod creation;
mod defaults;
mod divisible;
mod joining;
mod many;
mod premium;
mod races;
mod renouncing;
mod retraction;
mod stocked;
mod together;

use chrono::TimeDelta;
use shared::ids::OrgId;
use shared::testing::TestDb;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres};

use super::*;
use crate::auctions::model::*;
use crate::auctions::rules::{Bidder, Effect, NotAnswered, Offer, Rank, Secret, Standing, replay};
use crate::ids::{AuctionId, BidId};
use crate::testing::{
    Trader, auction, database_time, end_in, eur, listing, member_of, secret, terms, trader, trader_as,
};

/// A database with a seller and three bidders.
struct TestMarket {
    db: TestDb,
    seller: Trader,
    bidders: [Trader; 3],
}

impl TestMarket {
    async fn new() -> (Self, PoolConnection<Postgres>) {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.expect("a connection");
        let seller = trader(&mut conn).await;
        let bidders = [trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await];
        (Self { db, seller, bidders }, conn)
    }

    async fn close(self, conn: PoolConnection<Postgres>) {
        drop(conn);
        self.db.close().await;
    }
}

/// Places a bid in a transaction of its own, as a request does.
async fn bid(conn: &mut PgConnection, auction: AuctionId, by: Trader, cents: i64) -> Result<PlacedBid, AuctionError> {
    bid_for(conn, auction, by, cents, None).await
}

async fn bid_for(
    conn: &mut PgConnection,
    auction: AuctionId,
    by: Trader,
    cents: i64,
    quantity: Option<i64>,
) -> Result<PlacedBid, AuctionError> {
    let mut tx = conn.begin().await?;
    let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity };
    let placed = place_bid(&mut tx, &place).await?;
    tx.commit().await?;
    Ok(placed)
}

async fn purchase(conn: &mut PgConnection, auction: AuctionId, by: Trader) -> Result<Closed, AuctionError> {
    let mut tx = conn.begin().await?;
    let closed = buy_now(&mut tx, auction, by.org, by.user).await?;
    tx.commit().await?;
    Ok(closed)
}

async fn close_now(conn: &mut PgConnection, auction: AuctionId) -> Result<CloseOutcome, AuctionError> {
    let mut tx = conn.begin().await?;
    let outcome = close(&mut tx, auction).await?;
    tx.commit().await?;
    Ok(outcome)
}

async fn take_back(conn: &mut PgConnection, bid: BidId, by: Trader) -> Result<Retracted, AuctionError> {
    let mut tx = conn.begin().await?;
    let retracted = retract(&mut tx, bid, by.org, by.user).await?;
    tx.commit().await?;
    Ok(retracted)
}

/// Moves the auction's end into the past and closes it.
async fn finish(conn: &mut PgConnection, auction: AuctionId) -> Closed {
    end_in(conn, auction, TimeDelta::seconds(-1)).await;
    match close_now(conn, auction).await.expect("closes") {
        CloseOutcome::Closed(closed) => *closed,
        other => panic!("not closed: {other:?}"),
    }
}

async fn seen(conn: &mut PgConnection, auction: AuctionId, by: Option<Trader>) -> AuctionView {
    view(conn, auction, by.map(|by| by.org)).await.expect("a view").expect("the auction")
}

fn refusal(result: Result<PlacedBid, AuctionError>) -> Refused {
    match result {
        Err(AuctionError::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Compares the stored price, leader and next minimum with the rules applied to the stored bids
/// that remain.
async fn assert_row_follows_bids(conn: &mut PgConnection, auction: AuctionId) {
    let offers: Vec<(OrgId, i64, i64)> = sqlx::query_as(
        "SELECT b.org_id, b.maximum_minor, b.seq
         FROM bids AS b
         LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
         WHERE b.auction_id = $1
           AND r.bid_id IS NULL
         ORDER BY b.seq",
    )
    .bind(auction)
    .fetch_all(&mut *conn)
    .await
    .expect("bids");
    let mut tx = conn.begin().await.expect("a transaction");
    let locked = lock::lock(&mut tx, auction, None).await.expect("locks").expect("the auction");
    tx.rollback().await.expect("unlocked");
    let offers =
        offers.into_iter().map(|(org, maximum, seq)| Offer { org, rank: Rank { amount: Secret::new(maximum), seq } });
    let wanted: Standing = replay(&locked.state.terms, offers);
    assert_eq!(locked.state.standing, wanted);
    let stored: i64 = sqlx::query_scalar("SELECT next_minimum_minor FROM auctions WHERE id = $1")
        .bind(auction)
        .fetch_one(conn)
        .await
        .expect("the auction");
    assert_eq!(stored, locked.state.next_minimum());
}
