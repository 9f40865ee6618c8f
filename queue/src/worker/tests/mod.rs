//! Every way in which an attempt can end, through the real engine and a real ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::testing::TestDb;

use super::{Handlers, StopReason};
use crate::testing::{Bench, Row, rows};
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
    Snooze,
    Cancel,
    Dead,
    Progress,
    Commit,
    CommitWith,
    Children,
    FailOnceThenChildren,
    Nul,
    WaitForCancel,
    Text(String),
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
            Self::Nul => Ok(Outcome::DoneWith(json!({ "text": "a\0b" }))),
            Self::WaitForCancel => {
                cx.cancelled().await;
                cx.cancelled.store(true, Ordering::Relaxed);
                anyhow::bail!("stopped")
            }
        }
    }
}

struct Stage {
    db: TestDb,
    ledger: Ledger,
    bench: Bench<Services>,
    services: Services,
}

async fn stage() -> Stage {
    let db = TestDb::new().await;
    sqlx::query("CREATE TABLE effects (n integer)").execute(&db.pool).await.unwrap();
    let services = Services::default();
    let bench = Bench::new(&db.pool, Handlers::default().with::<Act>(), services.clone()).await;
    Stage { ledger: Ledger::new(db.pool.clone()), bench, services, db }
}

/// Enqueues one, runs it once, and returns its row.
async fn once(stage: &Stage, act: Act) -> Row {
    let id = stage.ledger.enqueue(&act).await.unwrap().id();
    stage.bench.drain().await;
    rows(&stage.db.pool, "test.act").await.into_iter().find(|row| row.id == id.0).unwrap()
}

async fn attempts(stage: &Stage, row: &Row) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome FROM job_attempts WHERE job = $1 ORDER BY epoch")
        .bind(row.id)
        .fetch_all(&stage.db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_outcome_moves_the_job_where_it_says() {
    let stage = stage().await;
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
        (Act::Nul, "dead", 1, Some("dead")),
    ] {
        let row = once(&stage, act.clone()).await;
        assert_eq!((row.state.as_str(), row.attempt), (state, attempt), "{act:?}: {row:?}");
        assert_eq!(attempts(&stage, &row).await, history.into_iter().collect::<Vec<_>>(), "{act:?}");
    }
    stage.db.close().await;
}

#[tokio::test]
async fn a_job_that_fails_too_often_is_dead_with_its_cause() {
    let stage = stage().await;
    once(&stage, Act::Fail).await;
    stage.bench.make_due().await;
    assert_eq!(stage.bench.drain().await, 1);
    let row = rows(&stage.db.pool, "test.act").await.remove(0);
    assert_eq!((row.state.as_str(), row.attempt), ("dead", 2));
    assert_eq!(row.error.as_deref(), Some("mailbox 17 is full"));
    assert_eq!(attempts(&stage, &row).await, ["retry", "dead"]);
    let print: String = sqlx::query_scalar("SELECT fingerprint FROM jobs").fetch_one(&stage.db.pool).await.unwrap();
    assert_eq!(print, "test.act: mailbox # is full");
    stage.db.close().await;
}

#[tokio::test]
async fn result_progress_and_lines_are_kept() {
    let stage = stage().await;
    assert_eq!(once(&stage, Act::Result).await.result, Some(json!({ "rows": 3 })));
    assert_eq!(once(&stage, Act::CommitWith).await.result, Some(json!({ "rows": 4 })));
    let row = once(&stage, Act::Progress).await;
    assert_eq!(row.state, "succeeded");
    let lines: Vec<String> = sqlx::query_scalar("SELECT line FROM job_logs WHERE job = $1 ORDER BY id")
        .bind(row.id)
        .fetch_all(&stage.db.pool)
        .await
        .unwrap();
    assert_eq!(lines, ["first line", "second line"]);
    let (percent, text): (i16, String) = sqlx::query_as("SELECT progress, progress_text FROM jobs WHERE id = $1")
        .bind(row.id)
        .fetch_one(&stage.db.pool)
        .await
        .unwrap();
    assert_eq!((percent, text.as_str()), (100, "nearly"));
    stage.db.close().await;
}

#[tokio::test]
async fn a_stale_attempt_writes_nothing() {
    let stage = stage().await;
    stage.ledger.enqueue(&Act::Commit).await.unwrap();
    let ticket = stage.bench.take().await.remove(0);
    // The job is taken away between claim and commit, as the reaper does with a worker that was frozen.
    sqlx::query(
        "CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE jobs SET epoch = epoch + 1 WHERE state = 'running'; RETURN NEW; END $$",
    )
    .execute(&stage.db.pool)
    .await
    .unwrap();
    sqlx::query("CREATE TRIGGER steal BEFORE INSERT ON effects FOR EACH ROW EXECUTE FUNCTION steal()")
        .execute(&stage.db.pool)
        .await
        .unwrap();
    stage.bench.run(ticket).await;
    let effects: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&stage.db.pool).await.unwrap();
    assert_eq!(effects, 0, "the effect of an attempt that lost its job was committed");
    let state: String = sqlx::query_scalar("SELECT state::text FROM jobs").fetch_one(&stage.db.pool).await.unwrap();
    assert_eq!(state, "running");
    stage.db.close().await;
}

#[tokio::test]
async fn a_repeated_ticket_runs_once() {
    let stage = stage().await;
    stage.ledger.enqueue(&Act::Done).await.unwrap();
    let ticket = stage.bench.take().await.remove(0);
    futures::future::join_all((0..10).map(|_| stage.bench.run(ticket))).await;
    assert_eq!(stage.services.runs.load(Ordering::Relaxed), 1);
    stage.db.close().await;
}

#[tokio::test]
async fn a_running_job_hears_its_cancellation() {
    let stage = stage().await;
    let id = stage.ledger.enqueue(&Act::WaitForCancel).await.unwrap().id();
    let ticket = stage.bench.take().await.remove(0);
    let stop = async {
        while stage.services.runs.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        stage.bench.stop(id, StopReason::Cancelled);
    };
    tokio::join!(stage.bench.run(ticket), stop);
    assert!(stage.services.cancelled.load(Ordering::Relaxed));
    assert_eq!(rows(&stage.db.pool, "test.act").await[0].state, "cancelled");
    stage.db.close().await;
}

#[tokio::test]
async fn a_job_exists_only_if_its_transaction_commits() {
    let stage = stage().await;
    let mut tx = stage.ledger.begin().await.unwrap();
    let _ = tx.enqueue(&Act::Done).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(rows(&stage.db.pool, "test.act").await.is_empty());
    stage.db.close().await;
}
