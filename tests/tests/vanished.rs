//! A database host that vanishes: its connections stay open, and nothing answers on them any more.

use queue::transport::Transport;
use queue::worker::{Process, WorkerOptions};
use queue::{Enqueue, Ledger};
use secrecy::SecretString;
use shared::config::{Config, Database};
use shared::db::Limits;
use shared::program::Signals;
use shared::testing::{NetworkFault, Proxy, TestDb};
use tests::roles;
use tests::stack::TestStack;
use tests::touch::Touch;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_host_that_vanishes_stops_a_worker_and_its_only_scheduler_for_seconds() {
    let db = TestDb::new().await;
    let (proxy, through) = Proxy::before(&db.url()).await.unwrap();
    let stack = TestStack::on(db, Transport::Redis, &[("DATABASE_URL", &through)]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(4);
    stack.enqueue(20, 3_000).await;
    stack.until("state = 'running'", 4).await;
    // While the handlers sleep and have nothing under way in the database.
    proxy.strand();
    // These need the scheduler as well.
    stack.enqueue_from(20, 20).await;
    stack.until_drained().await;
    stack.assert_once_each(40).await;
    assert_eq!(stack.count("losses > 0").await, 0, "a live worker was taken for dead");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_falls_silent_with_locks_in_hand_is_replaced_within_seconds() {
    let stack = TestStack::new(Transport::Redis).await;
    let (proxy, through) = Proxy::before(&stack.db.url()).await.unwrap();
    let database = Database { url: SecretString::from(through), ..stack.config.database.clone() };
    let config = Config { database, ..stack.config.clone() };
    let first = config.clone();
    let first = tokio::spawn(async move { roles::scheduler(&first, Signals::default()).await });
    stack.until_sql("SELECT count(*) FROM queue_status", 1).await;

    // Holds the locks of a scheduler in the middle of a transaction, on connections like its own.
    let pool = queue::engine_pool(&config, "scheduler").unwrap();
    let mut held = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM queue_status FOR UPDATE").execute(&mut *held).await.unwrap();
    proxy.set(NetworkFault::Silence);

    let _second = stack.scheduler();
    let _worker = stack.worker(4);
    stack.enqueue(20, 0).await;
    stack.until_drained().await;
    stack.assert_once_each(20).await;
    drop(held);
    first.abort();
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handlers_statement_that_gets_no_answer_ends_its_attempt_long_before_the_jobs_time_is_up() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    // Only the handlers' statements go through here: the worker itself notices nothing.
    let (proxy, through) = Proxy::before(&stack.db.url()).await.unwrap();
    let handlers = Ledger::new(shared::db::pool_within(&through.into(), Limits::WORKING, 4, "handlers").unwrap());
    let worker = roles::worker_process(&stack.config, WorkerOptions::new("tests")).unwrap();
    let worker = Process { ledger: handlers, ..worker };
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run(stop.clone(), CancellationToken::new()));
    let inside = Touch { n: 0, millis: 2_000, inside: true, ..Touch::default() };
    Enqueue::new(&inside).insert(&mut stack.pool().acquire().await.unwrap()).await.unwrap();
    // The attempt has begun its transaction, and will send its statement into the silence.
    let begun = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND state = 'idle in transaction' AND application_name = 'handlers'";
    stack.until_sql(begun, 1).await;
    proxy.set(NetworkFault::Silence);
    stack.until("error LIKE '%did not answer any more%'", 1).await;
    proxy.set(NetworkFault::None);
    stack.until_drained().await;
    stack.assert_once_each(1).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    stack.close().await;
}
