use std::sync::Arc;

use shared::money::Money;
use shared::testing::TestDb;
use tokio::sync::Barrier;

use super::*;
use crate::appointments::model::Settlement;

/// Moves the time of an order's storage, so that the days that cost nothing ended so many days ago, past the program and the rules of the
/// table.
async fn keep(conn: &mut PgConnection, order: OrderId, days: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    let sql = "UPDATE storage_terms
               SET due_at = due_at - (free_until - kept), free_until = kept
               FROM (SELECT clock_timestamp() - make_interval(days => $2)) AS since (kept)
               WHERE order_id = $1";
    sqlx::query(sql).bind(order.0).bind(days).execute(&mut *tx).await.expect("moved");
    tx.commit().await.expect("committed");
}

/// Books whatever is due, and says how many days that were.
async fn charge_all(conn: &mut PgConnection) -> usize {
    let mut booked = 0;
    loop {
        let due = storage_due(conn, 100).await.expect("read");
        if due.is_empty() {
            return booked;
        }
        for order in due {
            let done = act(conn, async |tx| charge(tx, order).await).await.expect("charged");
            booked += usize::from(matches!(done, Charge::Booked { .. }));
        }
    }
}

/// What an organisation has of these accounts, in cents.
async fn has(conn: &mut PgConnection, of: Party, kind: &str) -> i64 {
    let sql = "SELECT coalesce(sum(balance_minor), 0)::bigint FROM money_accounts WHERE org_id = $1 AND kind = $2";
    sqlx::query_scalar(sql).bind(of.org).bind(kind).fetch_one(conn).await.expect("read")
}

async fn sum(conn: &mut PgConnection) -> i64 {
    let sql = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM money_entries";
    sqlx::query_scalar(sql).fetch_one(conn).await.expect("read")
}

async fn due(conn: &mut PgConnection, order: OrderId) -> Option<(i64, Money)> {
    storage(conn, order).await.expect("read").map(|storage| (storage.days, storage.due))
}

#[tokio::test]
async fn each_day_is_owed_once_and_nothing_is_given_out_before_it_is_settled() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let (order, buyer, _, pass) = depot.with_pass(&mut conn).await;
    assert_eq!((charge_all(&mut conn).await, due(&mut conn, order).await), (0, Some((0, eur(0)))));
    // What is agreed stays, whatever the site costs later.
    let mut dearer = open_all_week(9);
    (dearer.free_days, dearer.storage_fees) = (0, vec![eur(90_000)]);
    depot.open(&mut conn, &dearer).await.expect("dearer");
    keep(&mut conn, order, 2).await;
    assert_eq!((charge_all(&mut conn).await, charge_all(&mut conn).await), (3, 0));
    assert_eq!(due(&mut conn, order).await, Some((3, eur(750))));
    assert_eq!((has(&mut conn, buyer, "due").await, has(&mut conn, depot.by_seller(), "claim").await), (-750, 750));
    assert_eq!(refusal(depot.redeem(&mut conn, &pass).await), AppointmentRefusal::StorageDue(eur(750)));
    // What is held for the goods is theirs alone.
    assert_eq!(escrow(&mut conn, buyer.org, order).await.expect("read").expect("held").amount, eur(20_000));
    let own = act(&mut conn, async |tx| settle(tx, buyer, order, Settlement::Paid).await).await;
    assert!(matches!(own, Err(AppointmentError::NoOrder)), "{own:?}");
    let seller = depot.by_seller();
    let settled = act(&mut conn, async |tx| settle(tx, seller, order, Settlement::Paid).await).await.expect("settled");
    assert_eq!((settled.days, settled.due), (3, eur(0)));
    let again = act(&mut conn, async |tx| settle(tx, seller, order, Settlement::Waived).await).await;
    assert_eq!(refusal(again), AppointmentRefusal::NothingDue);
    keep(&mut conn, order, 3).await;
    assert_eq!((charge_all(&mut conn).await, due(&mut conn, order).await), (1, Some((4, eur(250)))));
    act(&mut conn, async |tx| settle(tx, seller, order, Settlement::Waived).await).await.expect("given up");
    assert_eq!((has(&mut conn, buyer, "due").await, has(&mut conn, seller, "claim").await), (0, 0));
    depot.redeem(&mut conn, &pass).await.expect("given out");
    // What is gone costs nothing more.
    keep(&mut conn, order, 8).await;
    assert_eq!((charge_all(&mut conn).await, due(&mut conn, order).await), (0, Some((4, eur(0)))));
    assert_eq!(storage(&mut conn, order).await.expect("read").expect("terms").next_at, None);
    assert_eq!(sum(&mut conn).await, 0);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn goods_that_are_kept_for_nothing_have_no_terms_and_the_longest_storage_ends() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let mut free = open_all_week(9);
    free.storage_fees.clear();
    depot.open(&mut conn, &free).await.expect("open");
    let (order, ..) = depot.with_pass(&mut conn).await;
    assert_eq!(due(&mut conn, order).await, None);
    depot.open(&mut conn, &open_all_week(9)).await.expect("open");
    let (order, ..) = depot.with_pass(&mut conn).await;
    keep(&mut conn, order, 293).await;
    assert_eq!((charge_all(&mut conn).await, due(&mut conn, order).await), (60, Some((60, eur(15_000)))));
    assert_eq!(sum(&mut conn).await, 0);
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_book_a_day_of_storage_at_once_one_does() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let (order, buyer, ..) = depot.with_pass(&mut conn).await;
    for day in 1..=20_i32 {
        keep(&mut conn, order, day - 1).await;
        let barrier = Arc::new(Barrier::new(2));
        let racing = [(), ()].map(|()| {
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                act(&mut conn, async |tx| charge(tx, order).await).await.expect("charged")
            })
        });
        let mut booked = 0;
        for done in racing {
            booked += usize::from(matches!(done.await.expect("ended"), Charge::Booked { .. }));
        }
        assert_eq!((booked, has(&mut conn, buyer, "due").await), (1, -250 * i64::from(day)), "day {day}");
    }
    assert_eq!(sum(&mut conn).await, 0);
    drop(conn);
    db.close().await;
}
