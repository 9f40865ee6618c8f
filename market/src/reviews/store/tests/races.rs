use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Barrier;

use super::*;
use crate::ids::ReviewId;

const ROUNDS: usize = 60;

/// What each of several acts at once does.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Write(Trader),
    Show,
}

/// Runs a wish in a transaction of its own when all of them are ready; the reviews that it has shown.
async fn at_once(pool: PgPool, barrier: Arc<Barrier>, order: OrderId, wish: Wish) -> Vec<ReviewId> {
    let mut conn = pool.acquire().await.expect("a connection");
    barrier.wait().await;
    match wish {
        Wish::Write(by) => match written(&mut conn, by, order, 4, "At last.").await {
            Ok(change) => change.shown,
            Err(ReviewError::Refused(ReviewRefusal::Shown { .. })) => Vec::new(),
            Err(error) => panic!("{error:?}"),
        },
        Wish::Show => match shown(&mut conn, order).await {
            Shown::Shown(reviews) => reviews,
            Shown::NotYet { .. } | Shown::Nothing => Vec::new(),
        },
    }
}

/// At the moment when the seven days of one side end, the other one writes, both write, and the job shows: each review is there once,
/// is shown by exactly one of them, and counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_write_as_the_seven_days_end_and_each_review_is_shown_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    for round in 0..ROUNDS {
        // One order each way, so that the ratings of both are locked by either.
        let (one, two) = if round % 2 == 0 { (seller, buyer) } else { (buyer, seller) };
        let orders = [earn(&mut conn, one, two, eur(10_000)).await, earn(&mut conn, two, one, eur(10_000)).await];
        for order in orders {
            written(&mut conn, two, order, 3, "Well.").await.expect("written");
            age(&mut conn, order, 7).await;
        }
        let wishes = [Wish::Write(one), Wish::Write(two), Wish::Show];
        let barrier = Arc::new(Barrier::new(orders.len() * wishes.len()));
        let racing: Vec<_> = orders
            .into_iter()
            .flat_map(|order| wishes.map(|wish| (order, wish)))
            .map(|(order, wish)| tokio::spawn(at_once(db.pool.clone(), Arc::clone(&barrier), order, wish)))
            .collect();
        let mut told = Vec::new();
        for racer in racing {
            told.extend(racer.await.expect("ended"));
        }
        let mut there = Vec::new();
        for order in orders {
            let reviews = of_order(&mut conn, one.org, order).await.expect("read");
            assert_eq!(reviews.len(), 2, "{reviews:?}");
            assert!(reviews.iter().all(OrderReview::is_public), "{reviews:?}");
            there.extend(reviews.iter().map(|review| review.id));
        }
        told.sort_unstable();
        there.sort_unstable();
        assert_eq!(told, there, "each was shown once");
    }
    for org in [seller.org, buyer.org] {
        assert_eq!(rating(&mut conn, org).await, counted(&mut conn, org).await);
        assert_eq!(rating(&mut conn, org).await.reviews, i64::try_from(2 * ROUNDS).expect("a count"));
    }
    drop(conn);
    db.close().await;
}
