use std::sync::Arc;

use shared::config::{Config, Source};
use shared::testing::TestDb;
use sqlx::AssertSqlSafe;

use crate::registry::Registry;
use crate::transport::Brokers;

use super::*;

const QUEUE: &str = "emails";

/// A scheduler over a database of its own, with a queue that PostgreSQL carries.
async fn scheduler() -> (TestDb, Scheduler) {
    let db = TestDb::new().await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let brokers = Brokers::connect(&config, db.pool.clone());
    let registry = Arc::new(Registry::default());
    let scheduler = Scheduler::over(db.pool.clone(), brokers, registry, "test".to_owned());
    sql(&db, "INSERT INTO queues (name, transport) VALUES ('emails', 'local')").await;
    (db, scheduler)
}

async fn sql(db: &TestDb, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&db.pool).await.unwrap();
}

/// A job that was handed to the broker so many seconds ago, and repeated so often since.
async fn queued_for(db: &TestDb, seconds: u32, republished: u32) {
    sql(
        db,
        &format!(
            "INSERT INTO jobs (state, epoch, queue, kind, payload, run_at, queued_at, republished)
             VALUES ('queued', 1, 'emails', 't.send', '{{}}', now(), now() - interval '{seconds} seconds', {republished})"
        ),
    )
    .await;
}

/// A job that a worker runs, and that was handed to the broker so many seconds ago.
async fn running_since(db: &TestDb, seconds: u32) {
    sql(
        db,
        &format!(
            "INSERT INTO jobs (state, epoch, queue, kind, payload, run_at, queued_at, started_at, worker)
             VALUES ('running', 1, 'emails', 't.send', '{{}}', now(), now() - interval '{seconds} seconds', now(), 0)"
        ),
    )
    .await;
}

/// Puts a message of some other job into the broker.
async fn fill(scheduler: &Scheduler) {
    let other = Message::decode(b"999999:1").unwrap();
    scheduler.brokers.get(crate::transport::Transport::Local).unwrap().publish(QUEUE, &[other]).await.unwrap();
}

async fn repeated(scheduler: &Scheduler) -> usize {
    match reconcile(scheduler, QUEUE, false).await.unwrap() {
        Compared::Held { repeated } => repeated,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_an_empty_broker_lost_is_sent_again_within_half_a_minute_however_often_it_was_before() {
    let (db, scheduler) = scheduler().await;
    queued_for(&db, 25, 6).await;
    assert_eq!(repeated(&scheduler).await, 0, "its last repeat was 25 s ago");
    queued_for(&db, 31, 6).await;
    queued_for(&db, 31, 100).await;
    queued_for(&db, 5, 0).await;
    assert_eq!(repeated(&scheduler).await, 3);
    db.close().await;
}

#[tokio::test]
async fn what_a_broker_may_have_lost_is_sent_again_within_a_minute() {
    let (db, scheduler) = scheduler().await;
    fill(&scheduler).await;
    running_since(&db, 1).await;
    queued_for(&db, 46, 6).await;
    queued_for(&db, 21, 0).await;
    queued_for(&db, 19, 0).await;
    assert_eq!(repeated(&scheduler).await, 2);
    db.close().await;
}

#[tokio::test]
async fn what_waits_behind_slow_jobs_is_not_sent_again() {
    let (db, scheduler) = scheduler().await;
    fill(&scheduler).await;
    // Nobody works, or everybody works at what came before: the order says that nothing is missing.
    queued_for(&db, 120, 0).await;
    assert_eq!(repeated(&scheduler).await, 0);
    running_since(&db, 200).await;
    assert_eq!(repeated(&scheduler).await, 0);
    running_since(&db, 60).await;
    assert_eq!(repeated(&scheduler).await, 1, "a later job overtook it");
    db.close().await;
}

#[tokio::test]
async fn a_broker_that_is_said_to_be_down_is_asked_although_nothing_is_queued() {
    let (db, scheduler) = scheduler().await;
    assert_eq!(reconcile(&scheduler, QUEUE, false).await.unwrap(), Compared::Unasked);
    assert_eq!(reconcile(&scheduler, QUEUE, true).await.unwrap(), Compared::Held { repeated: 0 });
    db.close().await;
}
