//! A database host that vanishes: its connections stay open, and nothing answers on them any more.

use queue::transport::Transport;
use secrecy::SecretString;
use shared::config::{Config, Database};
use shared::program::Signals;
use shared::testing::{NetworkFault, Proxy, TestDb};
use tests::roles;
use tests::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_host_that_vanishes_stops_a_worker_and_its_only_scheduler_for_seconds() {
    let db = TestDb::new().await;
    let (proxy, through) = Proxy::before(&db.url()).await.unwrap();
    let stage = Stage::on(db, Transport::Redis, &[("DATABASE_URL", &through)]).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(4);
    stage.enqueue(20, 3_000).await;
    stage.until("state = 'running'", 4).await;
    // While the handlers sleep: what they have under way in a database of their own is theirs.
    proxy.strand();
    stage.until_drained().await;
    stage.assert_once_each(20).await;
    assert_eq!(stage.count("losses > 0").await, 0, "a live worker was taken for dead");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_falls_silent_with_locks_in_hand_is_replaced_within_seconds() {
    let stage = Stage::new(Transport::Redis).await;
    let (proxy, through) = Proxy::before(&stage.db.url()).await.unwrap();
    let database = Database { url: SecretString::from(through), ..stage.config.database.clone() };
    let config = Config { database, ..stage.config.clone() };
    let first = config.clone();
    let first = tokio::spawn(async move { roles::scheduler(&first, Signals::default()).await });
    stage.until_sql("SELECT count(*) FROM queue_status", 1).await;

    // What a scheduler holds in the middle of a transaction, on the connections that it has.
    let pool = queue::engine_pool(&config, "scheduler").unwrap();
    let mut held = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM queue_status FOR UPDATE").execute(&mut *held).await.unwrap();
    proxy.set(NetworkFault::Silence);

    let _second = stage.scheduler();
    let _worker = stage.worker(4);
    stage.enqueue(20, 0).await;
    stage.until_drained().await;
    stage.assert_once_each(20).await;
    drop(held);
    first.abort();
    stage.close().await;
}
