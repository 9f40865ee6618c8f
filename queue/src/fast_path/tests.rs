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
         VALUES ('emails', 'test', now(), 0, false)",
    )
    .await;
    let status = db.another_pool(1);
    tokio::spawn(async move {
        let renew = "UPDATE queue_status SET seen_at = now() WHERE dispatcher = 'test'";
        while sqlx::query(renew).execute(&status).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let brokers = Brokers::connect(&config, db.pool.clone());
    let stop = CancellationToken::new();
    let path = FastPath::open(&db.pool, brokers, vec![EMAILS], stop.clone());
    until("the path opens", || path.is_open(EMAILS.name)).await;
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
    let taken = path.take(EMAILS.name).unwrap();
    stop.cancel();
    until("the path closes", || !path.is_open(EMAILS.name)).await;
    assert!(path.take(EMAILS.name).is_none());
    // A request that was in hand commits now.
    path.publish(EMAILS.name, committed(&db).await, taken);
    path.drained().await;
    assert_eq!(count(&db, "SELECT count(*) FROM local_messages").await, 1);
    db.close().await;
}

#[tokio::test]
async fn what_no_broker_takes_goes_back_in_line() {
    let (db, path, _stop) = opened().await;
    let taken = path.take(EMAILS.name).unwrap();
    sql(&db, "UPDATE queues SET transport = 'redis'").await;
    until("the path closes", || !path.is_open(EMAILS.name)).await;
    path.publish(EMAILS.name, committed(&db).await, taken);
    path.drained().await;
    assert_eq!(
        count(&db, "SELECT count(*) FROM jobs WHERE state = 'available' AND reason = 'transport_refused'").await,
        1
    );
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
        taken: watch::Sender::new(1),
        changes: AtomicU64::new(0),
        transport: RwLock::new(Some(Transport::Redis)),
    });
    let (publisher, tickets) = mpsc::unbounded_channel();
    publisher.send((committed(&db).await, Taken { lane: Arc::clone(&lane), changes: 0 })).unwrap();
    drop(publisher);
    publish(Arc::clone(&lane), EMAILS.name, tickets, brokers, Connections::like(&db.pool)).await;
    assert_eq!(lane.budget.load(Ordering::Relaxed), 0);
    assert_eq!(*lane.taken.borrow(), 0);
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
        "UPDATE queue_status SET dispatcher = 'gone', seen_at = now() - interval '4 seconds'",
    ] {
        let (db, path, _stop) = opened().await;
        sql(&db, change).await;
        until(change, || !path.is_open(EMAILS.name)).await;
        db.close().await;
    }
}

/// A path whose refresh is the test's own.
async fn idle() -> (TestDb, FastPath, Connections, Brokers) {
    let (db, path, stop) = opened().await;
    stop.cancel();
    until("the path closes", || !path.is_open(EMAILS.name)).await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let (connections, brokers) = (Connections::like(&db.pool), Brokers::connect(&config, db.pool.clone()));
    refresh_once(&path, &connections, &brokers).await;
    (db, path, connections, brokers)
}

#[tokio::test]
async fn what_open_transactions_have_taken_is_not_handed_out_again() {
    let (db, path, connections, brokers) = idle().await;
    sql(&db, "UPDATE queues SET max_inflight = 12").await;
    refresh_once(&path, &connections, &brokers).await;
    let taken: Vec<_> = std::iter::from_fn(|| path.take(EMAILS.name)).collect();
    assert_eq!(taken.len(), 3, "a quarter of the room");
    refresh_once(&path, &connections, &brokers).await;
    assert!(path.take(EMAILS.name).is_none(), "the transactions are still open");
    // They are undone: nothing of it ever counts.
    drop(taken);
    refresh_once(&path, &connections, &brokers).await;
    assert!(path.take(EMAILS.name).is_some());
    db.close().await;
}

#[tokio::test]
async fn a_limit_that_is_set_while_a_transaction_is_open_holds_for_it_as_well() {
    let (db, path, connections, brokers) = idle().await;
    let ledger = crate::Ledger::new(db.pool.clone()).with_fast_path(path.clone());
    let mut tx = ledger.begin().await.unwrap();
    let _ = tx.enqueue(&Mail {}).await.unwrap();
    sql(&db, "UPDATE queues SET concurrency_limit = 1").await;
    refresh_once(&path, &connections, &brokers).await;
    // It is lifted again before the commit: what was taken before does not count all the same.
    sql(&db, "UPDATE queues SET concurrency_limit = NULL").await;
    refresh_once(&path, &connections, &brokers).await;
    tx.commit().await.unwrap();
    path.drained().await;
    assert_eq!(count(&db, "SELECT count(*) FROM local_messages").await, 0);
    assert_eq!(count(&db, "SELECT count(*) FROM jobs WHERE state = 'available'").await, 1);
    db.close().await;
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Mail {}

impl crate::Job for Mail {
    const KIND: crate::Kind = crate::Kind::new("t.mail");
    const QUEUE: Queue = EMAILS;
}
