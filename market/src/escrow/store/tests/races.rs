use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Barrier;

use super::*;
use crate::escrow::model::DisputeReason;

const ROUNDS: usize = 200;

/// Runs an act in a transaction of its own when all of them are ready; whether it was done.
async fn at_once<T>(
    pool: &PgPool,
    barrier: &Barrier,
    act: impl AsyncFnOnce(&mut PgConnection) -> Result<T, EscrowError>,
) -> bool {
    let mut conn = pool.acquire().await.expect("a connection");
    let mut tx = conn.begin().await.expect("a transaction");
    barrier.wait().await;
    match act(&mut tx).await {
        Ok(_) => {
            tx.commit().await.expect("committed");
            true
        }
        Err(EscrowError::Refused(_) | EscrowError::OrderStatus(_)) => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// The buyer accepts, the seller gives all of it back, and somebody else of the buyer's opens a dispute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_release_refund_and_dispute_at_once_one_happens() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let mut outcomes = [0; 3];
    for _ in 0..ROUNDS {
        let sale = sale(&mut conn, 1).await;
        pay(&mut conn, sale.buyer, sale.checkout).await;
        sale.deliver(&mut conn, 0).await;
        let (order, buyer, seller) = (sale.orders[0], sale.buyer, sale.sellers[0]);
        let barrier = Arc::new(Barrier::new(3));
        let [accepting, refunding, disputing] = [0, 1, 2].map(|n| {
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                match n {
                    0 => at_once(&pool, &barrier, async |tx| accept(tx, buyer.org, buyer.user, order).await).await,
                    1 => {
                        let all = eur(20_000);
                        at_once(&pool, &barrier, async |tx| {
                            refund(tx, seller.org, seller.user, order, all, "sold out").await
                        })
                        .await
                    }
                    _ => {
                        let new = NewDispute { order, reason: DisputeReason::Other, text: "no" };
                        at_once(&pool, &barrier, async |tx| open_dispute(tx, buyer.org, buyer.user, new).await).await
                    }
                }
            })
        });
        let done = [accepting.await, refunding.await, disputing.await].map(|done| done.expect("ended"));
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        let winner = done.iter().position(|done| *done).expect("one");
        let wanted = [EscrowStatus::Released, EscrowStatus::Refunded, EscrowStatus::Frozen][winner];
        assert_eq!(sale.escrow(&mut conn, 0).await.status, wanted);
        outcomes[winner] += 1;
    }
    assert_books(&mut conn).await;
    println!("accepted, refunded, disputed: {outcomes:?}");
    drop(conn);
    db.close().await;
}

/// The time to pay ends while the buyer begins to pay: either the checkout waits for the payment, or nobody is asked for money.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_end_of_a_checkout_and_a_payment_at_once_one_comes_first() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let mut outcomes = [0; 2];
    for _ in 0..ROUNDS {
        let sale = sale(&mut conn, 1).await;
        let mut tx = conn.begin().await.expect("a transaction");
        // The table refuses this: a promised time does not move.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
        sqlx::query("UPDATE checkouts SET pay_by = clock_timestamp() + interval '2 milliseconds' WHERE id = $1")
            .bind(sale.checkout)
            .execute(&mut *tx)
            .await
            .expect("changed");
        tx.commit().await.expect("committed");
        let (buyer, checkout) = (sale.buyer, sale.checkout);
        let barrier = Arc::new(Barrier::new(2));
        let [paying, ending] = [true, false].map(|pays| {
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                let mut tx = conn.begin().await.expect("a transaction");
                let done = if pays {
                    match begin(&mut tx, buyer.org, buyer.user, checkout, Provider::Simulator, "card").await {
                        Ok(_) => true,
                        Err(EscrowError::TooLate | EscrowError::CheckoutEnded(_)) => false,
                        Err(error) => panic!("{error:?}"),
                    }
                } else {
                    let mut expiry = checkouts::expire(&mut tx, checkout).await.expect("decided");
                    while let Expiry::NotYet { .. } = expiry {
                        tx.rollback().await.expect("rolled back");
                        tx = conn.begin().await.expect("a transaction");
                        expiry = checkouts::expire(&mut tx, checkout).await.expect("decided");
                    }
                    matches!(expiry, Expiry::Ended(_))
                };
                tx.commit().await.expect("committed");
                done
            })
        });
        let (paying, ended) = (paying.await.expect("ended"), ending.await.expect("ended"));
        assert!(paying != ended, "both or neither: {paying}");
        outcomes[usize::from(ended)] += 1;
    }
    println!("paid, ended: {outcomes:?}");
    drop(conn);
    db.close().await;
}

/// Somebody holds the locks of a sale: a stranger who wants to accept it, and a provider that says again what was decided, are answered.
#[tokio::test]
async fn a_stranger_and_old_news_wait_for_no_lock() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    let payment = pay(&mut conn, sale.buyer, sale.checkout).await;
    sale.deliver(&mut conn, 0).await;
    let mut holder = db.pool.begin().await.expect("a transaction");
    for (locked, id) in [
        ("SELECT FROM orders WHERE id = $1 FOR UPDATE", sale.orders[0].0),
        ("SELECT FROM checkouts WHERE id = $1 FOR UPDATE", sale.checkout.0),
    ] {
        sqlx::query(locked).bind(id).execute(&mut *holder).await.expect("locked");
    }
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL lock_timeout = '1s'").execute(&mut *tx).await.expect("set");
    let (seller, order) = (sale.sellers[0], sale.orders[0]);
    let refused = accept(&mut tx, seller.org, seller.user, order).await;
    assert!(matches!(refused, Err(EscrowError::NotFound)), "{refused:?}");
    let again = settle(&mut tx, payment, &captured(payment, eur(20_000))).await;
    assert!(matches!(again, Ok(Settled::NothingNew)), "{again:?}");
    // The buyer has to wait.
    let waited = accept(&mut tx, sale.buyer.org, sale.buyer.user, order).await;
    assert!(matches!(waited, Err(EscrowError::Sql(_))), "{waited:?}");
    drop((tx, holder));
    drop(conn);
    db.close().await;
}
