//! Rows that somebody else holds, and databases that refuse for a while.

use sqlx::{Executor, PgPool};

use super::*;
use crate::fault::{Fault, Point, arm};

/// A engine whose engine has the limits of a real one.
async fn limited() -> TestEngine {
    let db = TestDb::new().await;
    sqlx::query("CREATE TABLE effects (n integer)").execute(&db.pool).await.unwrap();
    let services = Services::default();
    let pool = crate::engine_pool_with(db.options().clone(), "test");
    let handlers = Handlers::default().with::<Act>().with::<Outside>();
    let queue = TestQueue::new(&pool, handlers, services.clone()).await;
    TestEngine { ledger: Ledger::new(db.pool.clone()), queue, services, db }
}

async fn enqueue(engine: &TestEngine, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(engine.ledger.enqueue(&Act::Done).await.unwrap().id().0);
    }
    ids
}

/// Holds a job's row, as somebody does who forgot to end a transaction.
async fn hold(pool: &PgPool, job: i64) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM jobs WHERE id = $1 FOR UPDATE").bind(job).execute(&mut *tx).await.unwrap();
    tx
}

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("the condition comes true");
}

async fn count(engine: &TestEngine, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM jobs WHERE {condition}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&engine.db.pool).await.unwrap()
}

#[tokio::test]
async fn a_queued_job_whose_row_is_held_stops_no_other_and_runs_when_it_is_free() {
    let engine = limited().await;
    let ids = enqueue(&engine, 30).await;
    let tickets = engine.queue.take().await;
    let held = hold(&engine.db.pool, ids[3]).await;
    let running: Vec<_> = tickets.into_iter().map(|ticket| engine.queue.start(ticket)).collect();
    until(async || count(&engine, "state = 'succeeded'").await == 29).await;
    assert_eq!(count(&engine, "state = 'queued'").await, 1, "the row is still held");
    held.rollback().await.unwrap();
    for one in running {
        one.await.unwrap();
    }
    assert_eq!(count(&engine, "state = 'succeeded' AND attempt = 1").await, 30);
    engine.db.close().await;
}

#[tokio::test]
async fn a_running_job_whose_row_is_held_stops_no_finish_but_its_own() {
    let engine = limited().await;
    let stopped = engine.ledger.enqueue(&Act::WaitForCancel).await.unwrap().id();
    let ticket = engine.queue.take().await.remove(0);
    let running = engine.queue.start(ticket);
    until(async || engine.services.runs.load(Ordering::Relaxed) == 1).await;
    let held = hold(&engine.db.pool, stopped.0).await;
    engine.queue.stop(stopped, StopReason::Cancelled);
    enqueue(&engine, 20).await;
    for other in engine.queue.take().await.into_iter().map(|ticket| engine.queue.start(ticket)) {
        other.await.unwrap();
    }
    assert_eq!(count(&engine, "state = 'succeeded'").await, 20);
    assert!(!running.is_finished(), "the finish of the held one waits");
    held.rollback().await.unwrap();
    running.await.unwrap();
    assert_eq!(count(&engine, "state = 'cancelled'").await, 1);
    engine.db.close().await;
}

/// Lets the ledger refuse the next successes, each for another reason of a database that is not well.
async fn refuse_successes(engine: &TestEngine) {
    engine
        .db
        .pool
        .execute(
            "CREATE SEQUENCE refusals;
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE
                 reason text := ('{25006,53100,57014,57P03,58030}'::text[])[nextval('refusals')];
             BEGIN
                 IF reason IS NOT NULL THEN
                     RAISE EXCEPTION 'refused' USING ERRCODE = reason;
                 END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.state = 'succeeded') EXECUTE FUNCTION refuse()",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_finish_is_repeated_while_the_database_is_read_only_full_or_shutting_down() {
    let engine = limited().await;
    refuse_successes(&engine).await;
    let row = once(&engine, Act::Result).await;
    assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1));
    assert_eq!(engine.services.runs.load(Ordering::Relaxed), 1, "what the handler did was done again");
    assert!(attempts(&engine, &row).await.is_empty());
    engine.db.close().await;
}

/// Has an effect outside of the database, and records it.
#[derive(Debug, Serialize, Deserialize)]
struct Outside {}

impl Job for Outside {
    const KIND: Kind = Kind::new("test.outside");
    const QUEUE: Queue = QUEUE;
    // Over long before the record is in.
    const TIMEOUT: Duration = Duration::from_millis(50);
}

impl Handler<Services> for Outside {
    async fn run(self, cx: &Cx<Services>) -> anyhow::Result<Outcome> {
        cx.runs.fetch_add(1, Ordering::Relaxed);
        cx.commit_after_effect(Some(json!({ "sent": true })), |mut tx| async move {
            tx.execute("INSERT INTO effects VALUES (1)").await?;
            Ok(tx)
        })
        .await
    }
}

async fn run_outside(engine: &TestEngine) -> Row {
    let _ = engine.ledger.enqueue(&Outside {}).await.unwrap();
    let ticket = engine.queue.take().await.remove(0);
    engine.queue.run(ticket).await;
    rows(&engine.db.pool, "test.outside").await.remove(0)
}

async fn assert_recorded_once(engine: &TestEngine, row: &Row) {
    assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1), "{row:?}");
    assert_eq!(row.result, Some(json!({ "sent": true })));
    assert_eq!(engine.services.runs.load(Ordering::Relaxed), 1, "the effect happened again");
    let records: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&engine.db.pool).await.unwrap();
    assert_eq!(records, 1);
    assert!(attempts(engine, row).await.is_empty());
}

#[tokio::test]
async fn the_record_of_an_outside_effect_is_repeated_past_the_jobs_time_limit() {
    let engine = limited().await;
    refuse_successes(&engine).await;
    let row = run_outside(&engine).await;
    assert_recorded_once(&engine, &row).await;
    engine.db.close().await;
}

#[tokio::test]
async fn a_record_whose_commit_went_in_without_an_answer_is_not_written_twice() {
    let engine = limited().await;
    arm(Point::Committed, Fault::Error);
    let row = run_outside(&engine).await;
    assert_recorded_once(&engine, &row).await;
    engine.db.close().await;
}
