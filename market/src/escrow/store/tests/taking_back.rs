use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;
use crate::escrow::rules::EscrowRefusal;

const ROUNDS: usize = 100;

/// A sale whose n-th order is the seller's.
async fn released(conn: &mut PgConnection, sale: &Sale, n: usize) {
    sale.deliver(conn, n).await;
    let mut tx = conn.begin().await.expect("a transaction");
    accept(&mut tx, sale.buyer.org, sale.buyer.user, sale.orders[n]).await.expect("accepted");
    tx.commit().await.expect("committed");
}

async fn paid_and_released(conn: &mut PgConnection) -> Sale {
    let sale = sale(conn, 1).await;
    pay(conn, sale.buyer, sale.checkout).await;
    released(conn, &sale, 0).await;
    sale
}

/// By the seller.
async fn back(conn: &mut PgConnection, sale: &Sale, cents: i64) -> Result<Refund, EscrowError> {
    let (seller, order) = (sale.sellers[0], sale.orders[0]);
    let mut tx = conn.begin().await.expect("a transaction");
    let done = take_back(&mut tx, Some(seller.org), seller.user, order, eur(cents), "so sorry").await;
    if done.is_ok() {
        tx.commit().await.expect("committed");
    } else {
        tx.rollback().await.expect("rolled back");
    }
    done
}

/// What the seller has, what the seller owes, and the platform's commission, in cents.
async fn standing(conn: &mut PgConnection, seller: Trader) -> [i64; 3] {
    let sql = "SELECT coalesce(sum(balance_minor) FILTER (WHERE kind = 'receivable'), 0)::bigint AS has,
                      coalesce(sum(balance_minor) FILTER (WHERE kind = 'debt'), 0)::bigint AS owes,
                      (SELECT coalesce(sum(e.amount_minor), 0)::bigint
                       FROM money_entries AS e JOIN money_accounts AS c ON c.id = e.account_id WHERE c.kind = 'commission') AS fee
               FROM money_accounts WHERE org_id = $1";
    let row: (i64, i64, i64) = sqlx::query_as(sql).bind(seller.org).fetch_one(conn).await.expect("balances");
    [row.0, row.1, row.2]
}

#[tokio::test]
async fn what_was_released_goes_back_with_the_commission_and_never_more_than_was_paid() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let unpaid = sale(&mut conn, 1).await;
    assert!(matches!(back(&mut conn, &unpaid, 100).await, Err(EscrowError::NotPaid)));
    pay(&mut conn, unpaid.buyer, unpaid.checkout).await;
    let early = back(&mut conn, &unpaid, 100).await;
    assert!(matches!(early, Err(EscrowError::Refused(EscrowRefusal::NotReleased))), "{early:?}");

    let sale = paid_and_released(&mut conn).await;
    let seller = sale.sellers[0];
    let [earned, owed, fee] = standing(&mut conn, seller).await;
    assert_eq!((earned + fee, owed), (20_000, 0));
    assert!(fee > 0);
    let first = back(&mut conn, &sale, 5_001).await.expect("given back");
    assert_eq!((sale.escrow(&mut conn, 0).await.status, first.cause), (EscrowStatus::Partly, RefundCause::Seller));
    assert_books(&mut conn).await;
    for cents in [0, -1, 15_000] {
        let wrong = back(&mut conn, &sale, cents).await;
        assert!(matches!(wrong, Err(EscrowError::Refused(EscrowRefusal::Amount { .. }))), "{cents}: {wrong:?}");
    }
    back(&mut conn, &sale, 1).await.expect("given back");
    back(&mut conn, &sale, 14_998).await.expect("given back");
    assert_eq!(standing(&mut conn, seller).await, [0, 0, 0], "every part of it");
    assert_eq!(sale.status(&mut conn, 0).await, OrderStatus::Refunded);
    let over = back(&mut conn, &sale, 1).await;
    assert!(matches!(over, Err(EscrowError::Refused(EscrowRefusal::Refunded))), "{over:?}");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_earnings_lack_is_owed_and_kept_back_of_the_next_ones() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = paid_and_released(&mut conn).await;
    let seller = sale.sellers[0];
    let [earned, ..] = standing(&mut conn, seller).await;
    // The earnings are on their way to the bank.
    let mut tx = conn.begin().await.expect("a transaction");
    let account = payouts::open(&mut tx, seller.org, seller.user, Provider::Simulator, None).await.expect("opened").id;
    payouts::settle_account(&mut tx, account, &active(account)).await.expect("settled");
    payouts::begin(&mut tx, seller.org, eur(0).currency(), Provider::Simulator).await.expect("begun");
    tx.commit().await.expect("committed");
    assert_eq!(standing(&mut conn, seller).await[..2], [0, 0]);
    back(&mut conn, &sale, 10_000).await.expect("given back");
    let [has, owes, _] = standing(&mut conn, seller).await;
    assert_eq!((has, owes), (0, -earned / 2));
    assert_books(&mut conn).await;
    // A payout that fails comes back to whoever owes.
    let open: Vec<PayoutId> = payouts::unsettled(&mut conn, TimeDelta::seconds(-60), 10).await.expect("a list");
    let mut tx = conn.begin().await.expect("a transaction");
    payouts::refuse_transfer(&mut tx, open[0], "no").await.expect("given back");
    tx.commit().await.expect("committed");
    assert_eq!(standing(&mut conn, seller).await[..2], [earned - earned / 2, 0]);
    assert_books(&mut conn).await;
    // And the next sale pays what the last one owes.
    back(&mut conn, &sale, 10_000).await.expect("given back");
    assert_eq!(standing(&mut conn, seller).await[..2], [0, 0]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_release_pays_what_the_seller_owes_first() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = paid_and_released(&mut conn).await;
    let seller = sale.sellers[0];
    let [earned, ..] = standing(&mut conn, seller).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let account = payouts::open(&mut tx, seller.org, seller.user, Provider::Simulator, None).await.expect("opened").id;
    payouts::settle_account(&mut tx, account, &active(account)).await.expect("settled");
    payouts::begin(&mut tx, seller.org, eur(0).currency(), Provider::Simulator).await.expect("begun");
    tx.commit().await.expect("committed");
    back(&mut conn, &sale, 20_000).await.expect("given back");
    assert_eq!(standing(&mut conn, seller).await[..2], [0, -earned]);
    let buyer = trader(&mut conn).await;
    crate::testing::earn(&mut conn, seller, buyer, eur(50_000)).await;
    let [has, owes, fee] = standing(&mut conn, seller).await;
    assert_eq!((has + earned + fee, owes), (50_000, 0));
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn finance_decides_about_what_is_the_sellers_and_not_about_its_own() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = paid_and_released(&mut conn).await;
    let (judge, order) = (trader(&mut conn).await, sale.orders[0]);
    let mut tx = conn.begin().await.expect("a transaction");
    let own = take_back(&mut tx, None, sale.buyer.user, order, eur(1), "mine").await;
    assert!(matches!(own, Err(EscrowError::OwnOrder)), "{own:?}");
    let done = take_back(&mut tx, None, judge.user, order, eur(100), "so it is").await.expect("given back");
    assert_eq!(done.cause, RefundCause::Finance);
    tx.commit().await.expect("committed");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_entries WHERE action = 'order.refund'")
        .fetch_one(&mut *conn)
        .await
        .expect("a count");
    assert_eq!(kept, 1);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_refunds_of_more_than_half_at_once_one_happens() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for round in 0..ROUNDS {
        let sale = Arc::new(paid_and_released(&mut conn).await);
        let cents = if round % 2 == 0 { 20_000 } else { 12_000 };
        let barrier = Arc::new(Barrier::new(2));
        let acts = [(); 2].map(|()| {
            let (pool, barrier, sale) = (db.pool.clone(), Arc::clone(&barrier), Arc::clone(&sale));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                match back(&mut conn, &sale, cents).await {
                    Ok(_) => 1,
                    Err(EscrowError::Refused(_)) => 0,
                    Err(error) => panic!("{error:?}"),
                }
            })
        });
        let mut done = 0;
        for act in acts {
            done += act.await.expect("ended");
        }
        assert_eq!(done, 1);
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Two orders of one seller, who was paid out: one is released while all of the other goes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_release_and_a_refund_at_once_nobody_owes_and_has() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for _ in 0..ROUNDS {
        let sale = Arc::new(paid_and_released(&mut conn).await);
        let (seller, buyer) = (sale.sellers[0], trader(&mut conn).await);
        let mut tx = conn.begin().await.expect("a transaction");
        let account =
            payouts::open(&mut tx, seller.org, seller.user, Provider::Simulator, None).await.expect("opened").id;
        payouts::settle_account(&mut tx, account, &active(account)).await.expect("settled");
        payouts::begin(&mut tx, seller.org, eur(0).currency(), Provider::Simulator).await.expect("begun");
        tx.commit().await.expect("committed");
        let goods = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let (checkout, order) = crate::testing::placed(&mut conn, buyer, goods, eur(10_000)).await;
        pay(&mut conn, buyer, checkout).await;
        let mut tx = conn.begin().await.expect("a transaction");
        ship(&mut tx, seller.org, seller.user, order).await.expect("sent");
        receive(&mut tx, buyer.org, buyer.user, order).await.expect("arrived");
        tx.commit().await.expect("committed");
        let barrier = Arc::new(Barrier::new(2));
        let (pool, waits, refunded) = (db.pool.clone(), Arc::clone(&barrier), Arc::clone(&sale));
        let refunding = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            waits.wait().await;
            back(&mut conn, &refunded, 20_000).await.expect("given back");
        });
        let mut tx = conn.begin().await.expect("a transaction");
        barrier.wait().await;
        accept(&mut tx, buyer.org, buyer.user, order).await.expect("accepted");
        tx.commit().await.expect("committed");
        refunding.await.expect("ended");
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}
