//! How attempts share the connections of their worker.

use sqlx::PgConnection;

use super::*;
use crate::cx::SecondConnection;
use crate::ledger::reads::ReadConnections;
use crate::transport::Brokers;
use crate::worker::{Process, WorkerOptions};

/// Holds a transaction while it shows progress, logs and commits.
#[derive(Debug, Serialize, Deserialize)]
struct Holds {
    n: i32,
}

impl Job for Holds {
    const KIND: Kind = Kind::new("test.holds");
    const QUEUE: Queue = QUEUE;
    // Less than many of them need together.
    const TIMEOUT: Duration = Duration::from_millis(1_500);
}

impl Handler<()> for Holds {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        let read: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut *cx.db().acquire().await?).await?;
        let mut tx = cx.begin().await?;
        cx.log("began");
        cx.progress(10, "began").await?;
        sqlx::query("SELECT pg_sleep(0.05)").execute(&mut *tx).await?;
        cx.progress(100, "done").await?;
        cx.commit_with(tx, json!(read)).await
    }
}

/// Asks for a second connection.
#[derive(Debug, Serialize, Deserialize)]
struct Greedy {
    /// To record an effect, which would otherwise be repeated for minutes.
    records: bool,
}

impl Job for Greedy {
    const KIND: Kind = Kind::new("test.greedy");
    const QUEUE: Queue = QUEUE;
}

impl Handler<()> for Greedy {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        let _held = cx.begin().await?;
        if self.records {
            return cx.commit_after_effect(None, |tx| async move { Ok(tx) }).await;
        }
        cx.db().acquire().await?;
        Ok(Outcome::Done)
    }
}

async fn with_connections(connections: u32) -> (TestDb, TestQueue<()>) {
    let db = TestDb::new().await;
    let handlers = Handlers::default().with::<Holds>().with::<Greedy>();
    let queue = TestQueue::new(&db.another_pool(connections), handlers, ()).await;
    (db, queue)
}

#[tokio::test]
async fn many_jobs_with_few_connections_wait_for_their_turn_and_burn_no_attempt() {
    let (db, queue) = with_connections(2).await;
    let ledger = Ledger::new(db.pool.clone());
    for n in 0..96 {
        let _ = ledger.enqueue(&Holds { n }).await.unwrap();
    }
    let tickets = queue.take().await;
    assert_eq!(tickets.len(), 96);
    let running: Vec<_> = tickets.into_iter().map(|ticket| queue.start(ticket)).collect();
    for one in running {
        one.await.unwrap();
    }
    for row in rows(&db.pool, "test.holds").await {
        assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1), "{row:?}");
    }
    let failed: i64 = sqlx::query_scalar("SELECT count(*) FROM job_attempts").fetch_one(&db.pool).await.unwrap();
    assert_eq!(failed, 0);
    db.close().await;
}

#[tokio::test]
async fn a_handler_that_asks_for_a_second_connection_is_refused_at_once() {
    let (db, queue) = with_connections(20).await;
    let ledger = Ledger::new(db.pool.clone());
    for records in [false, true] {
        let _ = ledger.enqueue(&Greedy { records }).await.unwrap();
    }
    for ticket in queue.take().await {
        queue.run(ticket).await;
    }
    for row in rows(&db.pool, "test.greedy").await {
        assert_eq!(row.attempt, 1);
        assert!(row.error.is_some_and(|error| error.contains(&SecondConnection.to_string())));
    }
    db.close().await;
}

/// How joins are made, and whether a statement is planned for what it asks.
async fn plans(conn: &mut PgConnection) -> (String, String, String) {
    let settings = "SELECT current_setting('enable_hashjoin'), current_setting('enable_mergejoin'),
                           current_setting('plan_cache_mode')";
    sqlx::query_as(settings).fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn a_handler_that_reads_much_has_the_plans_that_the_engine_does_without() {
    let db = TestDb::new().await;
    let engine = crate::engine_pool_with(db.options().clone(), "test");
    let options = WorkerOptions::new("test");
    let worker = Process::new(engine.clone(), Brokers::local(engine.clone()), Handlers::<()>::default(), (), options);
    let [off, on, generic, auto] = ["off", "on", "force_generic_plan", "auto"].map(str::to_owned);
    assert_eq!(plans(&mut engine.acquire().await.unwrap()).await, (off.clone(), off, generic));
    assert_eq!(plans(&mut worker.ledger.begin().await.unwrap()).await, (on.clone(), on, auto));
    db.close().await;
}

#[tokio::test]
async fn plans_are_kept_where_it_is_asked_for_and_nowhere_else() {
    let db = TestDb::new().await;
    let one = shared::db::pool_with(db.options().clone(), 1, "test");
    let [off, on, generic, auto] = ["off", "on", "force_generic_plan", "auto"].map(str::to_owned);
    let (kept, free) = ((off.clone(), off, generic), (on.clone(), on, auto));
    let ledger = Ledger::new(one.clone());
    let mut tx = ledger.begin_with_plans_kept().await.unwrap();
    assert_eq!(plans(&mut tx).await, kept);
    tx.commit().await.unwrap();
    // On the same connection.
    assert_eq!(plans(&mut ledger.begin().await.unwrap()).await, free);
    assert_eq!(plans(&mut ReadConnections::like(&one).acquire().await.unwrap()).await, kept);
    assert_eq!(plans(&mut one.acquire().await.unwrap()).await, free);
    db.close().await;
}
