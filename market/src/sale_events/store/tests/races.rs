//! Many connections at once. What must hold in whatever order the server serves them.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;
use crate::auctions::store::place_bids;

const LOTS: usize = 12;
const ROUNDS: i64 = 6;

/// Bidders bid in many lots at once, alone and several in a transaction, take bids back, and lots close beside it: no limit is ever
/// exceeded, and what is reserved is what the lots say.
#[tokio::test]
async fn race_limit_across_lots() {
    let (sale, mut conn) = TestSale::new().await;
    let groups: Vec<_> = (0..LOTS).map(|n| (n % 3 == 0).then_some(1)).collect();
    let limit = 9_000;
    let (event, lots) = sale_event(&mut conn, sale.seller, &groups, Some(eur(limit))).await;
    for by in sale.bidders {
        register(&mut conn, event, by).await;
    }
    let barrier = Arc::new(Barrier::new(2 * LOTS + 1));
    let mut tasks = JoinSet::new();
    for (n, by) in (0..2 * LOTS).map(|n| (n, sale.bidders[n % 2])) {
        let (pool, barrier, lots) = (sale.db.pool.clone(), Arc::clone(&barrier), lots.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            let (mut accepted, mut exceeded) = (0, 0);
            for round in 0..ROUNDS {
                let place = |k: usize| PlaceBid {
                    auction: lots[(n + k) % LOTS],
                    org: by.org,
                    user: by.user,
                    maximum: secret(1_200 + 700 * round + 10 * i64::try_from(n).unwrap()),
                    quantity: None,
                };
                let mut conn = pool.acquire().await.unwrap();
                let mut tx = conn.begin().await.unwrap();
                let tried = if n % 3 == 0 {
                    place_bids(&mut tx, &[place(0), place(5), place(2)]).await.expect("no deadlock")
                } else {
                    vec![Some(place_bid(&mut tx, &place(0)).await)]
                };
                let mut last = None;
                for tried in tried.into_iter().flatten() {
                    match tried {
                        Ok(placed) => {
                            accepted += 1;
                            last = Some(placed.bid);
                        }
                        Err(AuctionError::Refused { refusal: Refused::LimitExceeded { left }, .. }) => {
                            assert!((0..=limit).contains(&left), "{left} left");
                            exceeded += 1;
                        }
                        Err(AuctionError::Refused { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                tx.commit().await.unwrap();
                if let Some(bid) = last.filter(|_| n % 4 == 1) {
                    let mut tx = conn.begin().await.unwrap();
                    // It may have gone with another one, because its limit was spent.
                    match auctions::retract(&mut tx, bid, by.org, by.user).await {
                        Ok(_) | Err(AuctionError::RetractRefused(_)) => tx.commit().await.unwrap(),
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            (accepted, exceeded)
        });
    }
    // Somebody looks all the time.
    let (pool, looking) = (sale.db.pool.clone(), Arc::clone(&barrier));
    let watcher = tokio::spawn(async move {
        let mut conn = pool.acquire().await.unwrap();
        looking.wait().await;
        for _ in 0..50 {
            assert_reserved_as_recomputed(&mut conn, event).await;
        }
    });
    let (mut accepted, mut exceeded) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        let (ok, refused) = done.expect("no deadlock");
        accepted += ok;
        exceeded += refused;
    }
    watcher.await.expect("it held all the time");
    assert!(accepted > 0 && exceeded > 0, "{accepted} accepted, {exceeded} beyond a limit");
    assert_reserved_as_recomputed(&mut conn, event).await;

    // Half of the lots close, while bids go on in the others.
    let (ending, open) = lots.split_at(LOTS / 2);
    for lot in ending {
        end_in(&mut conn, *lot, TimeDelta::seconds(-1)).await;
    }
    let barrier = Arc::new(Barrier::new(LOTS));
    let (mut closers, mut bids) = (JoinSet::new(), JoinSet::new());
    for (lot, other) in ending.iter().copied().zip(open.iter().copied()) {
        let (pool, ready) = (sale.db.pool.clone(), Arc::clone(&barrier));
        closers.spawn(async move {
            ready.wait().await;
            let mut conn = pool.acquire().await.unwrap();
            close_lot(&mut conn, lot).await
        });
        let (pool, ready, bidders) = (sale.db.pool.clone(), Arc::clone(&barrier), sale.bidders);
        bids.spawn(async move {
            ready.wait().await;
            let mut conn = pool.acquire().await.unwrap();
            let mut judged = 0_i64;
            for (round, by) in (0..ROUNDS).zip(bidders.into_iter().cycle()) {
                match bid(&mut conn, other, by, 5_000 + 300 * round).await {
                    Ok(_) | Err(AuctionError::Refused { .. }) => judged += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            judged
        });
    }
    assert_eq!(bids.join_all().await, [ROUNDS; LOTS / 2]);
    for outcome in closers.join_all().await {
        assert!(matches!(outcome, CloseOutcome::Closed(_)), "{outcome:?}");
    }
    assert_reserved_as_recomputed(&mut conn, event).await;

    // The others close at once, by two who close all of them, each in a transaction.
    for lot in open {
        end_in(&mut conn, *lot, TimeDelta::seconds(-1)).await;
    }
    let mut closers = JoinSet::new();
    for lots in [open.to_vec(), open.iter().rev().copied().collect()] {
        let pool = sale.db.pool.clone();
        closers.spawn(async move {
            let mut conn = pool.acquire().await.unwrap();
            let mut tx = conn.begin().await.unwrap();
            let outcomes = auctions::close_all(&mut tx, &lots).await.expect("no deadlock");
            tx.commit().await.unwrap();
            outcomes.iter().flatten().filter(|outcome| matches!(outcome, CloseOutcome::Closed(_))).count()
        });
    }
    assert_eq!(closers.join_all().await.into_iter().sum::<usize>(), open.len(), "each is closed by one of them");
    assert_reserved_as_recomputed(&mut conn, event).await;
    let mut all = 0;
    for by in sale.bidders {
        all += reserved(&mut conn, event, by).await;
    }
    let awarded: i64 = sqlx::query_scalar("SELECT coalesce(sum(amount_minor), 0)::bigint FROM awards")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(all, awarded);
    sale.close(conn).await;
}
