//! Every way in which an attempt can end, through the real engine and a real ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::testing::{Statements, TestDb};

use super::{Handlers, StopReason};
use crate::testing::{Row, TestQueue, rows};
use crate::transport::Transport;
use crate::{Cx, Decision, Handler, Job, Kind, Ledger, Outcome, Queue, Retry};

mod connections;
mod ends;
mod lease;
mod locks;
mod metrics;
mod payloads;
mod unique;

const QUEUE: Queue = Queue { name: "test", pool: "test", transport: Transport::Local };

/// Does what its payload says.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Act {
    Done,
    Result,
    Fail,
    FailForGood,
    FailForNow,
    FailWithoutPoint,
    Retry,
    Panic,
    Hang,
    HangUnlessCancelled,
    Snooze,
    Cancel,
    Dead,
    Progress,
    Commit,
    CommitWith,
    Children,
    FailOnceThenChildren,
    Nul,
    Overflow,
    WaitForCancel,
    Text(String),
    Log(u32),
}

#[derive(Clone, Debug, Default)]
struct Services {
    runs: Arc<AtomicU32>,
    cancelled: Arc<AtomicBool>,
    dropped: Arc<AtomicBool>,
}

/// Tells when the handler that holds it is gone.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Job for Act {
    const KIND: Kind = Kind::new("test.act").formerly(&["test.former"]);
    const QUEUE: Queue = QUEUE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(2);
    const TIMEOUT: Duration = Duration::from_millis(300);

    fn on_error(error: &anyhow::Error) -> Decision {
        match error.to_string().as_str() {
            "gone for good" => Decision::Dead,
            "gone for now" => Decision::RetryAfter(Duration::from_mins(10)),
            "without point" => Decision::Cancel,
            _ => Decision::Retry,
        }
    }
}

impl Handler<Services> for Act {
    async fn run(self, cx: &Cx<Services>) -> anyhow::Result<Outcome> {
        cx.runs.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Done | Self::Text(_) => Ok(Outcome::Done),
            Self::Log(n) => {
                cx.log(format!("{n} begins"));
                cx.log(format!("{n} ends"));
                Ok(Outcome::Done)
            }
            Self::Result => Ok(Outcome::DoneWith(json!({ "rows": 3 }))),
            Self::Fail => anyhow::bail!("mailbox 17 is full"),
            Self::FailForGood => anyhow::bail!("gone for good"),
            Self::FailForNow => anyhow::bail!("gone for now"),
            Self::FailWithoutPoint => anyhow::bail!("without point"),
            Self::Retry => Ok(Outcome::Retry("not yet".to_owned())),
            Self::Panic => panic!("on purpose"),
            Self::Hang => {
                let _held = Dropped(Arc::clone(&cx.dropped));
                std::future::pending().await
            }
            Self::HangUnlessCancelled => {
                let _held = Dropped(Arc::clone(&cx.dropped));
                cx.unless_cancelled(std::future::pending()).await
            }
            Self::Snooze => Ok(Outcome::Snooze(Duration::from_mins(1))),
            Self::Cancel => Ok(Outcome::Cancel("no point".to_owned())),
            Self::Dead => Ok(Outcome::Dead("never".to_owned())),
            Self::Progress => {
                cx.log("first line");
                cx.progress(40, "nearly").await?;
                cx.log("second line\0");
                Ok(Outcome::Done)
            }
            Self::Commit => {
                let mut tx = cx.begin().await?;
                sqlx::query("INSERT INTO effects VALUES (1)").execute(&mut *tx).await?;
                cx.commit(tx).await
            }
            Self::CommitWith => cx.commit_with(cx.begin().await?, json!({ "rows": 4 })).await,
            Self::FailOnceThenChildren if cx.attempt() == 1 => anyhow::bail!("the first time"),
            Self::Children | Self::FailOnceThenChildren => {
                let _ = cx.enqueue(&Self::Done).await?;
                let mut tx = cx.begin().await?;
                let _ = tx.enqueue(&Self::Result).await?;
                cx.commit(tx).await
            }
            Self::Nul => {
                cx.progress(10, "a\0b").await?;
                Ok(Outcome::DoneWith(json!({ "text": "a\0b" })))
            }
            Self::Overflow => {
                cx.log("l".repeat(100_000));
                cx.progress(10, &"ü".repeat(100_000)).await?;
                cx.commit_with(cx.begin().await?, json!({ "text": "r".repeat(100_000) })).await
            }
            Self::WaitForCancel => {
                cx.cancelled().await;
                cx.cancelled.store(true, Ordering::Relaxed);
                anyhow::bail!("stopped")
            }
        }
    }
}

struct TestEngine {
    db: TestDb,
    ledger: Ledger,
    queue: TestQueue<Services>,
    services: Services,
}

impl TestEngine {
    async fn new() -> Self {
        let db = TestDb::new().await;
        sqlx::query("CREATE TABLE effects (n integer)").execute(&db.pool).await.unwrap();
        let services = Services::default();
        let queue = TestQueue::new(&db.pool, Handlers::default().with::<Act>(), services.clone()).await;
        Self { ledger: Ledger::new(db.pool.clone()), queue, services, db }
    }
}

/// Enqueues one, runs it once, and returns its row.
async fn once(engine: &TestEngine, act: Act) -> Row {
    let id = engine.ledger.enqueue(&act).await.unwrap().id();
    engine.queue.drain().await;
    rows(&engine.db.pool, "test.act").await.into_iter().find(|row| row.id == id.0).unwrap()
}

async fn attempts(engine: &TestEngine, row: &Row) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome FROM job_attempts WHERE job = $1 ORDER BY epoch")
        .bind(row.id)
        .fetch_all(&engine.db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_outcome_moves_the_job_where_it_says() {
    let engine = TestEngine::new().await;
    for (act, state, attempt, history) in [
        (Act::Done, "succeeded", 1, None),
        (Act::Result, "succeeded", 1, None),
        (Act::Fail, "scheduled", 1, Some("retry")),
        (Act::FailForGood, "dead", 1, Some("dead")),
        (Act::FailForNow, "scheduled", 1, Some("retry")),
        (Act::FailWithoutPoint, "cancelled", 1, Some("cancelled")),
        (Act::Retry, "scheduled", 1, Some("retry")),
        (Act::Panic, "scheduled", 1, Some("retry")),
        (Act::Hang, "scheduled", 1, Some("retry")),
        (Act::Snooze, "scheduled", 0, Some("snooze")),
        (Act::Cancel, "cancelled", 1, Some("cancelled")),
        (Act::Dead, "dead", 1, Some("dead")),
        (Act::Commit, "succeeded", 1, None),
        (Act::CommitWith, "succeeded", 1, None),
        (Act::Nul, "succeeded", 1, None),
    ] {
        let row = once(&engine, act.clone()).await;
        assert_eq!((row.state.as_str(), row.attempt), (state, attempt), "{act:?}: {row:?}");
        assert_eq!(attempts(&engine, &row).await, history.into_iter().collect::<Vec<_>>(), "{act:?}");
    }
    engine.db.close().await;
}

#[tokio::test]
async fn a_job_that_fails_too_often_is_dead_with_its_cause() {
    let engine = TestEngine::new().await;
    once(&engine, Act::Fail).await;
    engine.queue.make_due().await;
    assert_eq!(engine.queue.drain().await, 1);
    let row = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!((row.state.as_str(), row.attempt), ("dead", 2));
    assert_eq!(row.error.as_deref(), Some("mailbox 17 is full"));
    assert_eq!(attempts(&engine, &row).await, ["retry", "dead"]);
    let print: String = sqlx::query_scalar("SELECT fingerprint FROM jobs").fetch_one(&engine.db.pool).await.unwrap();
    assert_eq!(print, "test.act: mailbox # is full");
    engine.db.close().await;
}

#[tokio::test]
async fn result_progress_and_lines_are_kept() {
    let engine = TestEngine::new().await;
    assert_eq!(once(&engine, Act::Result).await.result, Some(json!({ "rows": 3 })));
    assert_eq!(once(&engine, Act::CommitWith).await.result, Some(json!({ "rows": 4 })));
    let row = once(&engine, Act::Progress).await;
    assert_eq!(row.state, "succeeded");
    let lines: Vec<String> = sqlx::query_scalar("SELECT line FROM job_logs WHERE job = $1 ORDER BY id")
        .bind(row.id)
        .fetch_all(&engine.db.pool)
        .await
        .unwrap();
    assert_eq!(lines, ["first line", "second line"]);
    let (percent, text): (i16, String) = sqlx::query_as("SELECT progress, progress_text FROM jobs WHERE id = $1")
        .bind(row.id)
        .fetch_one(&engine.db.pool)
        .await
        .unwrap();
    assert_eq!((percent, text.as_str()), (100, "nearly"));
    engine.db.close().await;
}

#[tokio::test]
async fn lines_of_attempts_at_once_share_statements_and_stay_with_their_jobs() {
    let engine = TestEngine::new().await;
    for n in 0..30 {
        engine.ledger.enqueue(&Act::Log(n)).await.unwrap();
    }
    let tickets = engine.queue.take().await;
    let statements = Statements::containing(&["INSERT INTO job_logs"]);
    let counting = statements.listen();
    join_all(tickets.into_iter().map(|ticket| engine.queue.run(ticket))).await;
    drop(counting);
    assert!((1..15).contains(&statements.count()), "{} statements for 30 attempts", statements.count());
    let stored: Vec<(String, Vec<String>)> = sqlx::query_as(
        "SELECT j.payload ->> 'Log', array_agg(l.line ORDER BY l.id)
         FROM jobs AS j
         JOIN job_logs AS l ON l.job = j.id AND l.attempt = 1
         GROUP BY j.id
         ORDER BY j.id",
    )
    .fetch_all(&engine.db.pool)
    .await
    .unwrap();
    let expected: Vec<_> =
        (0..30).map(|n: u32| (n.to_string(), vec![format!("{n} begins"), format!("{n} ends")])).collect();
    assert_eq!(stored, expected);
    engine.db.close().await;
}

#[tokio::test]
async fn what_does_not_fit_is_cut_with_a_mark_and_costs_no_attempt() {
    let engine = TestEngine::new().await;
    let row = once(&engine, Act::Nul).await;
    assert_eq!((row.attempt, row.result), (1, Some(json!({ "text": "ab" }))));
    let row = once(&engine, Act::Overflow).await;
    assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1));
    let result = row.result.unwrap();
    assert_eq!(result["cut"], true);
    let begins = result["begins"].as_str().unwrap();
    assert!(begins.starts_with(r#"{"text":"rrr"#) && begins.ends_with('…'), "{begins}");
    let texts = "SELECT progress_text, line FROM jobs JOIN job_logs ON job = jobs.id WHERE jobs.id = $1";
    let (progress, line): (String, String) =
        sqlx::query_as(texts).bind(row.id).fetch_one(&engine.db.pool).await.unwrap();
    assert!(progress.len() <= 500 && progress.ends_with("ü…"), "{progress}");
    assert!(line.len() <= 2_000 && line.ends_with("l…"), "{line}");
    engine.db.close().await;
}

#[tokio::test]
async fn a_stale_attempt_writes_nothing() {
    let engine = TestEngine::new().await;
    engine.ledger.enqueue(&Act::Commit).await.unwrap();
    let ticket = engine.queue.take().await.remove(0);
    // The job is taken away between claim and commit, as the reaper does with a worker that was frozen.
    sqlx::query(
        "CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE jobs SET epoch = epoch + 1 WHERE state = 'running'; RETURN NEW; END $$",
    )
    .execute(&engine.db.pool)
    .await
    .unwrap();
    sqlx::query("CREATE TRIGGER steal BEFORE INSERT ON effects FOR EACH ROW EXECUTE FUNCTION steal()")
        .execute(&engine.db.pool)
        .await
        .unwrap();
    engine.queue.run(ticket).await;
    let effects: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&engine.db.pool).await.unwrap();
    assert_eq!(effects, 0, "the effect of an attempt that lost its job was committed");
    let state: String = sqlx::query_scalar("SELECT state::text FROM jobs").fetch_one(&engine.db.pool).await.unwrap();
    assert_eq!(state, "running");
    engine.db.close().await;
}

#[tokio::test]
async fn a_repeated_ticket_runs_once() {
    let engine = TestEngine::new().await;
    engine.ledger.enqueue(&Act::Done).await.unwrap();
    let ticket = engine.queue.take().await.remove(0);
    futures::future::join_all((0..10).map(|_| engine.queue.run(ticket))).await;
    assert_eq!(engine.services.runs.load(Ordering::Relaxed), 1);
    engine.db.close().await;
}

#[tokio::test]
async fn a_running_job_hears_its_cancellation() {
    let engine = TestEngine::new().await;
    let id = engine.ledger.enqueue(&Act::WaitForCancel).await.unwrap().id();
    let ticket = engine.queue.take().await.remove(0);
    let stop = async {
        while engine.services.runs.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        engine.queue.stop(id, StopReason::Cancelled);
    };
    tokio::join!(engine.queue.run(ticket), stop);
    assert!(engine.services.cancelled.load(Ordering::Relaxed));
    assert_eq!(rows(&engine.db.pool, "test.act").await[0].state, "cancelled");
    engine.db.close().await;
}

#[tokio::test]
async fn a_job_exists_only_if_its_transaction_commits() {
    let engine = TestEngine::new().await;
    let mut tx = engine.ledger.begin().await.unwrap();
    let _ = tx.enqueue(&Act::Done).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(rows(&engine.db.pool, "test.act").await.is_empty());
    engine.db.close().await;
}
