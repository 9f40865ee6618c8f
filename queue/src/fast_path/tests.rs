use shared::config::{Config, Source};
use shared::ids::JobId;
use shared::testing::TestDb;
use sqlx::AssertSqlSafe;

use super::*;
use crate::testing::queues::EMAILS;

/// A queue whose dispatcher is there, and an open path to it. PostgreSQL carries it; there is no other broker.
async fn opened() -> (TestDb, FastPath, CancellationToken) {
    let db = TestDb::new().await;
    sql(&db, "INSERT INTO queues (name, transport) VALUES ('emails', 'local')").await;
    sql(
        &db,
        "INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog)
         VALUES ('emails', 'test', now() + interval '1 hour', 0, false)",
    )
    .await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let brokers = Brokers::connect(&config, db.pool.clone());
    let stop = CancellationToken::new();
    let path = FastPath::open(db.pool.clone(), brokers, vec![EMAILS], stop.clone());
    until("the path opens", || path.is_open(EMAILS.name)).await;
    assert!(path.take(EMAILS.name));
    (db, path, stop)
}

async fn sql(db: &TestDb, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&db.pool).await.unwrap();
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited).await.unwrap_or_else(|_| panic!("{what}"));
}

/// A job that took the path, as its transaction committed it.
async fn committed(db: &TestDb) -> Ticket {
    let id = sqlx::query_scalar(
        "INSERT INTO jobs (state, epoch, queue, kind, payload, run_at, queued_at)
         VALUES ('queued', 1, 'emails', 't.send', '{}', now(), now())
         RETURNING id",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    Ticket { job: JobId(id), epoch: 1 }
}

async fn count(db: &TestDb, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&db.pool).await.unwrap()
}

#[tokio::test]
async fn the_path_closes_with_the_process_and_what_took_it_before_is_published() {
    let (db, path, stop) = opened().await;
    stop.cancel();
    until("the path closes", || !path.is_open(EMAILS.name)).await;
    assert!(!path.take(EMAILS.name));
    // A request that was in hand commits now.
    path.publish(EMAILS.name, committed(&db).await);
    path.drained().await;
    assert_eq!(count(&db, "SELECT count(*) FROM local_messages").await, 1);
    db.close().await;
}

#[tokio::test]
async fn what_no_broker_takes_goes_back_in_line() {
    let (db, path, _stop) = opened().await;
    sql(&db, "UPDATE queues SET transport = 'redis'").await;
    until("the path closes", || !path.is_open(EMAILS.name)).await;
    path.publish(EMAILS.name, committed(&db).await);
    path.drained().await;
    assert_eq!(count(&db, "SELECT count(*) FROM jobs WHERE state = 'available'").await, 1);
    db.close().await;
}

/// By itself, before the next refresh would do it.
#[tokio::test]
async fn a_refused_publish_closes_the_path_at_once() {
    let db = TestDb::new().await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let brokers = Brokers::connect(&config, db.pool.clone());
    let lane = Arc::new(Lane {
        budget: AtomicI64::new(9),
        pending: watch::Sender::new(1),
        transport: RwLock::new(Some(Transport::Redis)),
    });
    let (publisher, tickets) = mpsc::unbounded_channel();
    publisher.send(committed(&db).await).unwrap();
    drop(publisher);
    publish(Arc::clone(&lane), EMAILS.name, tickets, brokers, db.pool.clone()).await;
    assert_eq!(lane.budget.load(Ordering::Relaxed), 0);
    assert_eq!(*lane.pending.borrow(), 0);
    assert_eq!(count(&db, "SELECT count(*) FROM jobs WHERE state = 'available'").await, 1);
    db.close().await;
}

#[tokio::test]
async fn a_limit_a_pause_or_a_broker_that_is_down_closes_the_path() {
    for change in [
        "UPDATE queues SET concurrency_limit = 3",
        "UPDATE queues SET rate_per_second = 5",
        "UPDATE queues SET paused = true",
        "UPDATE queue_status SET broker_error = 'away'",
        "UPDATE queue_status SET backlog = true",
        "UPDATE queue_status SET seen_at = now() - interval '4 seconds'",
    ] {
        let (db, path, _stop) = opened().await;
        sql(&db, change).await;
        until(change, || !path.is_open(EMAILS.name)).await;
        db.close().await;
    }
}
