//! Buyers who say that they will not pay.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;
use crate::checkout::store::CheckoutError;
use crate::escrow::store as escrow;
use crate::ids::OrderId;
use crate::orders::model::OrderStatus;
use crate::orders::store as orders;
use crate::payments::Provider;
use crate::standing::store as standing;

async fn renounced(conn: &mut PgConnection, order: OrderId, by: Trader) -> Result<Defaulted, AuctionError> {
    let mut tx = conn.begin().await?;
    let found = renounce(&mut tx, by.org, by.user, order).await?;
    tx.commit().await?;
    Ok(found)
}

#[tokio::test]
async fn a_buyer_who_gives_an_award_up_defaults_at_once_and_the_next_bidder_is_asked() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, b, 2_000).await.expect("accepted");
    bid(&mut conn, lot, a, 3_000).await.expect("accepted");
    let order = finish(&mut conn, lot).await.awards.remove(0).order;
    for stranger in [b, market.seller] {
        let refused = renounced(&mut conn, order, stranger).await;
        assert!(matches!(refused, Err(AuctionError::NotFound)), "{refused:?}");
    }
    let given_up = renounced(&mut conn, order, a).await.expect("given up");
    assert_eq!((given_up.award.order, given_up.auction.status), (order, AuctionStatus::Defaulted));
    assert_eq!(given_up.chance.expect("the next bidder").1.org, b.org);
    assert_eq!(standing::standing(&mut conn, a.org).await.expect("read").strikes.len(), 1);
    let found = orders::find(&mut conn, order).await.expect("read").expect("the order");
    assert_eq!(found.status, OrderStatus::Expired);
    let again = renounced(&mut conn, order, a).await;
    assert!(matches!(again, Err(AuctionError::Checkout(CheckoutError::Ended(_)))), "{again:?}");

    // Whoever is paying has not given up.
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, b, 2_000).await.expect("accepted");
    let order = finish(&mut conn, lot).await.awards.remove(0).order;
    let found = orders::find(&mut conn, order).await.expect("read").expect("the order");
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::begin(&mut tx, b.org, b.user, found.checkout, Provider::Simulator, "card").await.expect("begun");
    tx.commit().await.expect("committed");
    let paying = renounced(&mut conn, order, b).await;
    assert!(matches!(paying, Err(AuctionError::Checkout(CheckoutError::Paying))), "{paying:?}");
    market.close(conn).await;
}

#[tokio::test]
async fn an_award_given_up_several_times_at_once_defaults_once() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    for _ in 0..20 {
        let a = trader(&mut conn).await;
        let lot = auction(&mut conn, market.seller, &terms).await;
        bid(&mut conn, lot, a, 3_000).await.expect("accepted");
        let order = finish(&mut conn, lot).await.awards.remove(0).order;
        let barrier = Arc::new(Barrier::new(4));
        let acts = (0..4).map(|_| {
            let (pool, barrier) = (market.db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                renounced(&mut conn, order, a).await.is_ok()
            })
        });
        let mut happened = 0;
        for act in acts.collect::<Vec<_>>() {
            happened += usize::from(act.await.expect("done"));
        }
        let strikes = standing::standing(&mut conn, a.org).await.expect("read").strikes.len();
        assert_eq!((happened, strikes), (1, 1));
    }
    market.close(conn).await;
}
