//! Many connections at once. The tests assert what must hold in whatever order the server serves
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;

async fn bid_on(pool: &PgPool, auction: AuctionId, by: Trader, cents: i64) -> Result<PlacedBid, AuctionError> {
    let mut conn = pool.acquire().await?;
    bid(&mut conn, auction, by, cents).await
}

/// Waits until another connection of this database waits for a lock; gives up after half a minute.
pub(super) async fn until_somebody_waits(conn: &mut PgConnection) {
    let give_up = database_time(conn).await + TimeDelta::seconds(30);
    while database_time(conn).await < give_up {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                 SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
             )",
        )
        .fetch_one(&mut *conn)
        .await
        .expect("the server's activity");
        if waits {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nobody waits for the lock");
}

async fn until_over(conn: &mut PgConnection, ends_at: DateTime<Utc>) {
    while database_time(conn).await < ends_at {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn of_two_equal_bids_at_the_same_instant_the_first_leads() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    for _ in 0..20 {
        let lot = auction(&mut conn, market.seller, &terms).await;
        let barrier = Arc::new(Barrier::new(2));
        let mut tasks = JoinSet::new();
        for by in [a, b] {
            let (pool, barrier) = (market.db.pool.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                barrier.wait().await;
                bid_on(&pool, lot, by, 5_000).await.expect("both are accepted").effect
            });
        }
        let mut effects = tasks.join_all().await;
        effects.sort_by_key(|effect| *effect != Effect::Leads);
        assert_eq!(effects, [Effect::Leads, Effect::Outbid]);
        let (first, leader, price): (OrgId, OrgId, i64) = sqlx::query_as(
            "SELECT b.org_id, a.leader_org_id, a.price_minor
             FROM auctions AS a
             JOIN bids AS b ON b.auction_id = a.id AND b.seq = 1
             WHERE a.id = $1",
        )
        .bind(lot)
        .fetch_one(&mut *conn)
        .await
        .expect("the auction");
        assert_eq!((leader, price), (first, 5_000));
    }
    market.close(conn).await;
}

/// A bid that waited for the lock beyond the end is late, although it was sent in time.
#[tokio::test]
async fn the_clock_is_read_after_the_lock() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let mut time_to_send = TimeDelta::milliseconds(250);
    loop {
        end_in(&mut conn, lot, time_to_send).await;
        let ends_at = seen(&mut conn, lot, None).await.ends_at;
        let mut holder = market.db.pool.begin().await.expect("a transaction");
        sqlx::query("SELECT FROM auctions WHERE id = $1 FOR UPDATE")
            .bind(lot)
            .execute(&mut *holder)
            .await
            .expect("locked");
        let (pool, by) = (market.db.pool.clone(), market.bidders[0]);
        let waiting = tokio::spawn(async move { bid_on(&pool, lot, by, 5_000).await });
        until_somebody_waits(&mut conn).await;
        let in_time = database_time(&mut conn).await < ends_at;
        until_over(&mut conn, ends_at).await;
        // Without changing the row, which would make the server read it, and the clock, again.
        holder.rollback().await.expect("unlocked");
        assert_eq!(refusal(waiting.await.expect("ran")), Refused::Ended);
        if in_time {
            break;
        }
        // A busy machine: the bid came too late to prove anything.
        time_to_send = time_to_send * 2;
    }
    market.close(conn).await;
}

/// Bidders bid without pause while closers try to close; whoever comes first, the outcome follows from the accepted bids.
async fn storm(soft_close_seconds: i32, hard_end_after: TimeDelta) {
    let (market, mut conn) = TestMarket::new().await;
    let mut bidders = market.bidders.to_vec();
    while bidders.len() < 8 {
        bidders.push(trader(&mut conn).await);
    }
    let mut terms = terms(&mut conn).await;
    terms.soft_close_seconds = Some(soft_close_seconds);
    terms.hard_ends_at = Some(terms.ends_at + hard_end_after);
    let lot = auction(&mut conn, market.seller, &terms).await;
    let closed_seen = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for (number, by) in (0_i64..).zip(bidders) {
        let (pool, closed_seen) = (market.db.pool.clone(), Arc::clone(&closed_seen));
        tasks.spawn(async move {
            let mut cents = 1_000;
            let mut accepted = 0;
            loop {
                let was_closed = closed_seen.load(Ordering::SeqCst);
                match bid_on(&pool, lot, by, cents + number * 10).await {
                    Ok(placed) => {
                        assert!(!was_closed, "accepted after the close");
                        accepted += 1;
                        cents = placed.auction.next_minimum.minor();
                    }
                    Err(AuctionError::Refused { refusal: Refused::BelowMinimum { minimum }, .. }) => cents = minimum,
                    Err(AuctionError::Refused { refusal: Refused::NotARaise, .. }) => tokio::task::yield_now().await,
                    Err(AuctionError::Refused { refusal: Refused::Ended, .. }) => return (accepted, 0),
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
    }
    for _ in 0..2 {
        let (pool, closed_seen) = (market.db.pool.clone(), Arc::clone(&closed_seen));
        tasks.spawn(async move {
            loop {
                let mut conn = pool.acquire().await.expect("a connection");
                match close_now(&mut conn, lot).await.expect("judged") {
                    CloseOutcome::NotYet { .. } => {}
                    CloseOutcome::Closed(_) | CloseOutcome::OnApproval(_) => {
                        closed_seen.store(true, Ordering::SeqCst);
                        return (0, 1);
                    }
                    CloseOutcome::Already(_) => return (0, 0),
                }
            }
        });
    }
    // The end comes when the storm is in full swing.
    let give_up = database_time(&mut conn).await + TimeDelta::seconds(60);
    loop {
        let bids: i64 = sqlx::query_scalar("SELECT bid_seq FROM auctions WHERE id = $1")
            .bind(lot)
            .fetch_one(&mut *conn)
            .await
            .expect("the auction");
        if bids >= 40 {
            break;
        }
        assert!(database_time(&mut conn).await < give_up, "the storm has died down after {bids} bids");
        tokio::task::yield_now().await;
    }
    end_in(&mut conn, lot, TimeDelta::milliseconds(50)).await;
    let (accepted, closings) =
        tasks.join_all().await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(closings, 1, "closed once");
    let (stored, late, seqs): (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE b.placed_at >= a.ends_at OR b.placed_at >= a.closed_at), max(b.seq)
         FROM bids AS b
         JOIN auctions AS a ON a.id = b.auction_id
         WHERE a.id = $1",
    )
    .bind(lot)
    .fetch_one(&mut *conn)
    .await
    .expect("bids");
    assert_eq!((stored, seqs, late), (accepted, accepted, 0));
    assert_row_follows_bids(&mut conn, lot).await;
    let (won, paid, orders): (bool, bool, i64) = sqlx::query_as(
        "SELECT bool_and(w.org_id = a.leader_org_id), bool_and(w.amount_minor = a.price_minor), count(o.id)
         FROM auctions AS a
         JOIN awards AS w ON w.auction_id = a.id
         JOIN orders AS o ON o.award_id = w.id
         WHERE a.id = $1",
    )
    .bind(lot)
    .fetch_one(&mut *conn)
    .await
    .expect("the award");
    assert_eq!((won, paid, orders), (true, true, 1));
    // Every bid except a raise left time to answer it.
    let in_order: bool = sqlx::query_scalar(
        "SELECT bool_and(a.ends_at >= least(b.placed_at + make_interval(secs => a.soft_close_seconds), a.hard_ends_at))
                AND bool_and(a.ends_at BETWEEN a.original_ends_at AND a.hard_ends_at)
         FROM bids AS b
         JOIN auctions AS a ON a.id = b.auction_id
         WHERE a.id = $1
           AND b.kind = 'bid'",
    )
    .bind(lot)
    .fetch_one(&mut *conn)
    .await
    .expect("bids");
    assert!(in_order);
    market.close(conn).await;
}

#[tokio::test]
async fn no_bid_is_accepted_after_the_close() {
    storm(0, TimeDelta::hours(1)).await;
}

#[tokio::test]
async fn a_storm_of_bids_moves_the_end_but_not_past_the_hard_end() {
    storm(1, TimeDelta::milliseconds(1_200)).await;
}

#[tokio::test]
async fn of_a_purchase_and_a_bid_one_wins() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.buy_now = Some(eur(9_000));
    for _ in 0..20 {
        let lot = auction(&mut conn, market.seller, &terms).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, gate) = (market.db.pool.clone(), Arc::clone(&barrier));
        let bidding = tokio::spawn(async move {
            gate.wait().await;
            bid_on(&pool, lot, a, 5_000).await
        });
        let pool = market.db.pool.clone();
        let buying = tokio::spawn(async move {
            barrier.wait().await;
            let mut conn = pool.acquire().await?;
            purchase(&mut conn, lot, b).await
        });
        let status = match (bidding.await.expect("ran"), buying.await.expect("ran")) {
            (Ok(_), Err(AuctionError::Refused { refusal: Refused::BuyNowGone, .. })) => AuctionStatus::Live,
            (Err(AuctionError::Refused { refusal: Refused::Ended, .. }), Ok(_)) => AuctionStatus::Awarded,
            other => panic!("{other:?}"),
        };
        assert_eq!(seen(&mut conn, lot, None).await.status, status);
    }
    market.close(conn).await;
}

#[tokio::test]
async fn a_listing_gets_one_of_many_auctions_made_at_once() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let listing = listing(&mut conn, market.seller, crate::listings::model::SaleMode::Auction, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let (pool, seller, terms) = (market.db.pool.clone(), market.seller, terms.clone());
        tasks.spawn(async move {
            let mut tx = pool.begin().await.expect("a transaction");
            let made = create(&mut tx, seller.org, seller.user, listing, &terms).await;
            match made {
                Ok(_) => tx.commit().await.map(|()| 1).expect("committed"),
                Err(AuctionError::AlreadyOpen) => 0,
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<i32>(), 1);
    market.close(conn).await;
}

/// Creating an auction holds the listing and meets the open auction; closing that one holds it and
/// needs the listing.
#[tokio::test]
async fn making_an_auction_and_closing_the_one_before_do_not_block_each_other() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let listing = seen(&mut conn, lot, None).await.listing_id;
    end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
    let mut maker = market.db.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM listings WHERE id = $1 FOR SHARE")
        .bind(listing)
        .execute(&mut *maker)
        .await
        .expect("locked");
    let pool = market.db.pool.clone();
    let closing = tokio::spawn(async move { close_now(&mut *pool.acquire().await?, lot).await });
    until_somebody_waits(&mut conn).await;
    let made = create(&mut maker, market.seller.org, market.seller.user, listing, &terms).await;
    assert!(matches!(made, Err(AuctionError::AlreadyOpen)), "{made:?}");
    maker.rollback().await.expect("unlocked");
    let closed = closing.await.expect("ran");
    assert!(matches!(closed, Ok(CloseOutcome::Closed(_))), "{closed:?}");
    market.close(conn).await;
}
