//! Acts at once. The tests assert what must hold in whatever order the server serves them.

use std::sync::Arc;

use shared::testing::TestDb;
use tokio::sync::Barrier;

use super::*;

const ROUNDS: i32 = 30;
const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_the_last_slot_one_gets_it() {
    one_gets_the_last(AppointmentKind::Collection, TimeDelta::hours(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_the_last_delivery_slot_one_gets_it() {
    one_gets_the_last(AppointmentKind::Delivery, TimeDelta::hours(2)).await;
}

/// Several buyers want the only place of a slot at once, in one slot after the other.
async fn one_gets_the_last(kind: AppointmentKind, length: TimeDelta) {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let mut sales = Vec::new();
    for _ in 0..AT_ONCE {
        sales.push(depot.sold(&mut conn).await);
    }
    for round in 1..=ROUNDS {
        let starts_at = depot.slot(&mut conn, 1).await + length * round;
        let barrier = Arc::new(Barrier::new(AT_ONCE));
        let racing = sales.iter().map(|&(order, buyer)| {
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                act(&mut conn, async |tx| book(tx, buyer, order, &depot.at(kind, starts_at)).await).await
            })
        });
        let (mut won, mut lost) = (Vec::new(), 0);
        for done in racing.collect::<Vec<_>>() {
            match done.await.expect("ended") {
                Ok(booked) => won.push(booked.id),
                other => {
                    assert_eq!(refusal(other), AppointmentRefusal::SlotTaken);
                    lost += 1;
                }
            }
        }
        assert_eq!((won.len(), lost), (1, AT_ONCE - 1), "round {round}");
        act(&mut conn, async |tx| cancel(tx, depot.by_seller(), won[0]).await).await.expect("cancelled");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_redeem_a_pass_at_once_one_does() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 100).await;
    for _ in 0..ROUNDS {
        let (order, _, booked, pass) = depot.with_pass(&mut conn).await;
        let barrier = Arc::new(Barrier::new(2));
        let racing = [(), ()].map(|()| {
            let (pool, barrier, pass) = (db.pool.clone(), Arc::clone(&barrier), pass.clone());
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                depot.redeem(&mut conn, &pass).await
            })
        });
        let mut given = 0;
        for done in racing {
            match done.await.expect("ended") {
                Ok(_) => given += 1,
                other => assert_eq!(refusal(other), AppointmentRefusal::PassUsed),
            }
        }
        assert_eq!(given, 1);
        assert_eq!(status(&mut conn, order).await, OrderStatus::Delivered);
        assert_eq!(now_of(&mut conn, booked.id).await, AppointmentStatus::Redeemed);
    }
    crate::stock::store::tests::assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_redeemed_is_not_missed_and_what_is_missed_is_not_redeemed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 100).await;
    let mut missed_in_all = 0;
    for _ in 0..ROUNDS {
        let (order, _, booked, pass) = depot.with_pass(&mut conn).await;
        // It ends as both run: an hour after its end is about now.
        let sql = "UPDATE appointments
                   SET starts_at = clock_timestamp() - interval '2 hours' + interval '5 milliseconds',
                       ends_at = clock_timestamp() - interval '1 hour' + interval '5 milliseconds'
                   WHERE id = $1";
        sqlx::query(sql).bind(booked.id.0).execute(&mut *conn).await.expect("moved");
        let barrier = Arc::new(Barrier::new(2));
        let (pool, waits, id) = (db.pool.clone(), Arc::clone(&barrier), booked.id);
        let ending = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            waits.wait().await;
            let mut missed = 0;
            for _ in 0..20 {
                let ended = act(&mut conn, async |tx| Ok(end_overdue(tx, 100).await?)).await.expect("ended");
                missed += ended.iter().filter(|it| it.id == id && it.status == AppointmentStatus::Missed).count();
            }
            missed
        });
        let pool = db.pool.clone();
        let redeeming = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            barrier.wait().await;
            depot.redeem(&mut conn, &pass).await
        });
        let (missed, given) = (ending.await.expect("ended"), redeeming.await.expect("ended"));
        match given {
            Ok(_) => {
                assert_eq!(missed, 0);
                assert_eq!(status(&mut conn, order).await, OrderStatus::Delivered);
            }
            other => {
                assert_eq!(refusal(other), AppointmentRefusal::PassExpired);
                assert_eq!(status(&mut conn, order).await, OrderStatus::Paid);
                missed_in_all += missed;
            }
        }
    }
    println!("{missed_in_all} of {ROUNDS} missed");
    drop(conn);
    db.close().await;
}
