//! Several at once.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;
use crate::listings::model::SaleMode;
use crate::listings::store::{self as listings, ListingError};
use crate::testing::draft;

const ROUNDS: usize = 50;

/// Two schedulers renew the same term at the same moment: there is one next term, and one charge for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_renewals_of_one_term_charge_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for _ in 0..ROUNDS {
        let owner = trader(&mut conn).await;
        chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
        end_term(&mut conn, owner).await;
        let open = standing(&mut conn, owner).await.subscription.expect("a subscription");
        let barrier = Arc::new(Barrier::new(2));
        let both = [(); 2].map(|()| {
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                act(&mut conn, async |tx| renew(tx, open.id, open.term).await).await.expect("renewed")
            })
        });
        let [first, second] = both;
        let done = [first.await.expect("ended"), second.await.expect("ended")];
        assert_eq!(done.iter().filter(|it| matches!(it, Renewed::Term(_))).count(), 1, "{done:?}");
        assert_eq!(standing(&mut conn, owner).await.subscription.expect("a subscription").term, 2);
        let terms: Vec<_> = owed(&mut conn, owner).await.iter().map(|charge| charge.term).collect();
        assert_eq!(terms, [2, 1]);
    }
    drop(conn);
    db.close().await;
}

/// The money comes at the moment when the plan ends: either the plan goes on, or the money pays what was owed; it is booked once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_payment_and_the_fall_to_the_free_plan_one_comes_first() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let mut fallen = 0;
    for round in 1..=ROUNDS {
        let owner = trader(&mut conn).await;
        let charge = chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
        let (payment, owing) = begun(&mut conn, owner, charge).await.expect("begun");
        pass(&mut conn, owner, 14).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, ready) = (db.pool.clone(), Arc::clone(&barrier));
        let paying = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            let taken = captured(payment, owing.amount);
            ready.wait().await;
            act(&mut conn, async |tx| settle(tx, payment, &taken).await).await.expect("settled")
        });
        let pool = db.pool.clone();
        let dunning = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            barrier.wait().await;
            act(&mut conn, async |tx| dun(tx, charge).await).await.expect("looked at")
        });
        assert_eq!(paying.await.expect("ended"), PlanSettled::Paid { charge, again: false });
        let plan = standing(&mut conn, owner).await.plan;
        match dunning.await.expect("ended") {
            Dunned::Lapsed => {
                fallen += 1;
                assert_eq!(plan, Plan::Free);
            }
            other => assert_eq!((other, plan), (Dunned::Nothing, Plan::Standard)),
        }
        let all = 1_900 * i64::try_from(round).expect("few");
        assert_eq!(books(&mut conn).await, (all, -all));
        assert_eq!(owed(&mut conn, owner).await.pop().expect("a charge").status, PlanChargeStatus::Paid);
    }
    println!("{fallen} of {ROUNDS} had fallen");
    drop(conn);
    db.close().await;
}

/// A listing is published at the moment when its seller is reminded: what counts is what is allowed after the reminder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_publishes_while_a_reminder_is_sent_keeps_to_the_free_plan() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let few = "UPDATE plans SET most_listings = CASE code WHEN 'free' THEN 1 ELSE 2 END";
    sqlx::query(few).execute(&mut *conn).await.expect("few");
    let seller = trader(&mut conn).await;
    let charge = chosen(&mut conn, seller, Plan::Standard).await.expect("owed");
    let drafts =
        [draft(&mut conn, seller, SaleMode::Fixed, 1).await, draft(&mut conn, seller, SaleMode::Fixed, 1).await];
    act(&mut conn, async |tx| listings::publish(tx, seller.org, drafts[0]).await).await.expect("the first of two");
    pass(&mut conn, seller, 3).await;

    let mut tx = conn.begin().await.expect("a transaction");
    assert_eq!(dun(&mut tx, charge).await.expect("looked at"), Dunned::Reminded(1));
    let pool = db.pool.clone();
    let publishing = tokio::spawn(async move {
        let mut conn = pool.acquire().await.expect("a connection");
        act(&mut conn, async |tx| listings::publish(tx, seller.org, drafts[1]).await).await
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&db.pool).await.expect("a count") == 0 {
        assert!(!publishing.is_finished(), "it waits for the organisation");
    }
    tx.commit().await.expect("committed");
    let refused = publishing.await.expect("ended");
    assert!(matches!(refused, Err(ListingError::PlanLimit(1))), "{refused:?}");
    drop(conn);
    db.close().await;
}
