//! Attempts that share a transaction, through the real engine and a real ledger.

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use shared::testing::TestDb;
use shared::trace::TraceParent;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::testing::{Row, TestQueue, rows};
use crate::ticket::Ticket;
use crate::transport::Transport;
use crate::worker::{Handlers, StopReason};
use crate::{Enqueue, Handler, Job, Kind, Queue, Retry};

const QUEUE: Queue = Queue { name: "test", pool: "test", transport: Transport::Local };
/// Nobody works on it.
const ELSEWHERE: Queue = Queue { name: "elsewhere", pool: "elsewhere", transport: Transport::Local };

/// The table takes no such number.
const BROKEN: i32 = 13;
/// The job of this number goes to another attempt before its transaction commits.
const LOST: i32 = 17;
/// Of this one there is nothing to be done.
const NOTHING: i32 = 19;
/// This one is left to be done alone.
const ALONE: i32 = 23;
/// With this one the transaction waits until the test lets it go on.
const HELD: i32 = 29;
/// Somebody else has written this one, and has not committed it.
const TAKEN: i32 = 31;

/// Writes its number.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct WriteDown {
    n: i32,
}

impl Job for WriteDown {
    const KIND: Kind = Kind::new("test.write_down");
    const QUEUE: Queue = QUEUE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).max_attempts(3);
}

/// Follows from each number.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Follow {
    n: i32,
}

impl Job for Follow {
    const KIND: Kind = Kind::new("test.follow");
    const QUEUE: Queue = ELSEWHERE;
}

struct Writing {
    n: i32,
    services: Services,
}

async fn write_down(conn: &mut PgConnection, numbers: &[i32], shared: bool) -> anyhow::Result<()> {
    sqlx::query("INSERT INTO effects SELECT n, $2 FROM unnest($1::integer[]) AS n")
        .bind(numbers)
        .bind(shared)
        .execute(conn)
        .await?;
    Ok(())
}

impl Act for Writing {
    const NAME: &'static str = "writing";
    const MOST: usize = 10;
    type Made = i32;

    async fn all(tx: &mut JobTx, acts: &[(&Self, Origin)]) -> anyhow::Result<Vec<Option<Done<i32>>>> {
        assert!(acts.len() <= Self::MOST);
        for (_, origin) in acts.iter().filter(|(act, _)| act.n == LOST) {
            let pool = &acts[0].0.services.pool;
            sqlx::query("UPDATE jobs SET epoch = epoch + 1 WHERE id = $1").bind(origin.job.0).execute(pool).await?;
        }
        if let Some((held, _)) = acts.iter().find(|(act, _)| act.n == HELD) {
            held.services.begun.notify_one();
            held.services.goes_on.acquire().await?.forget();
        }
        let with = || acts.iter().filter(|(act, _)| act.n != ALONE && act.n != NOTHING);
        write_down(tx, &with().map(|(act, _)| act.n).collect::<Vec<_>>(), true).await?;
        let jobs = with().map(|(act, origin)| Enqueue::new(&Follow { n: act.n }).following(Some(*origin)));
        tx.enqueue_all(jobs.collect()).await?;
        let done = acts.iter().map(|(act, _)| match act.n {
            ALONE => None,
            NOTHING => Some(Done::Nothing(act.n)),
            n => Some(Done::Effect(n)),
        });
        Ok(done.collect())
    }
}

#[derive(Clone, Debug)]
struct Services {
    pool: PgPool,
    writings: Together<Writing>,
    begun: Arc<Notify>,
    goes_on: Arc<Semaphore>,
}

impl Handler<Services> for WriteDown {
    async fn run(self, cx: &Cx<Services>) -> anyhow::Result<Outcome> {
        let services: &Services = cx;
        let writing = Writing { n: self.n, services: services.clone() };
        if let Some((n, committed)) = cx.writings.ask(cx, writing).await {
            assert_eq!(n, self.n, "each gets its own answer");
            return Ok(committed.unwrap_or(Outcome::Done));
        }
        let mut tx = cx.begin().await?;
        write_down(&mut tx, &[self.n], false).await?;
        let _ = tx.enqueue(&Follow { n: self.n }).await?;
        cx.commit(tx).await
    }
}

struct TestWriters {
    db: TestDb,
    ledger: Ledger,
    queue: TestQueue<Services>,
    services: Services,
}

impl TestWriters {
    async fn new() -> Self {
        let db = TestDb::new().await;
        sqlx::raw_sql("CREATE TABLE effects (n integer UNIQUE CHECK (n <> 13), shared boolean)")
            .execute(&db.pool)
            .await
            .unwrap();
        let services = Services {
            pool: db.pool.clone(),
            writings: Together::default(),
            begun: Arc::default(),
            goes_on: Arc::new(Semaphore::new(0)),
        };
        let queue = TestQueue::new(&db.pool, Handlers::default().with::<WriteDown>(), services.clone()).await;
        Self { ledger: Ledger::new(db.pool.clone()), queue, services, db }
    }

    /// Enqueues a job for each of these numbers; returns the tickets of all that are due.
    async fn due(&self, numbers: &[i32]) -> Vec<Ticket> {
        let mut tx = self.ledger.begin().await.unwrap();
        for n in numbers {
            let job = Enqueue::new(&WriteDown { n: *n }).traced(Some(TraceParent::generate()));
            let _ = tx.enqueue_with(job).await.unwrap();
        }
        tx.commit().await.unwrap();
        self.queue.take().await
    }

    /// Runs what is due and a job for each of these numbers, all at once; returns the rows of the kind.
    async fn at_once(&self, numbers: &[i32]) -> Vec<Row> {
        let tickets = self.due(numbers).await;
        join_all(tickets.into_iter().map(|ticket| self.queue.run(ticket))).await;
        rows(&self.db.pool, "test.write_down").await
    }

    /// What was written: numbers, in order, and whether in a shared transaction.
    async fn effects(&self) -> Vec<(i32, bool)> {
        sqlx::query_as("SELECT n, shared FROM effects ORDER BY n").fetch_all(&self.db.pool).await.unwrap()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn attempts_at_once_share_a_transaction_with_their_finishes() {
    let writers = TestWriters::new().await;
    let numbers: Vec<_> = (101..=125).chain([NOTHING]).collect();
    let rows = writers.at_once(&numbers).await;
    assert!(rows.iter().all(|row| row.state == "succeeded" && row.attempt == 1), "{rows:?}");
    assert_eq!(writers.effects().await, (101..=125).map(|n| (n, true)).collect::<Vec<_>>());
    let transactions = writers.count("SELECT count(DISTINCT xmin::text) FROM effects").await;
    assert!((3..25).contains(&transactions), "{transactions} transactions for 25 attempts, of which ten share one");
    // Each job's success is in the transaction of its effect.
    let apart = "SELECT count(*)
                 FROM effects AS e
                 JOIN jobs AS j ON j.kind = 'test.write_down' AND (j.payload ->> 'n')::integer = e.n
                 WHERE j.xmin <> e.xmin";
    assert_eq!(writers.count(apart).await, 0);
    // What follows from each is its child, in its trace.
    let followers = "SELECT count(*)
                     FROM jobs AS c
                     JOIN jobs AS p ON p.id = c.parent
                     WHERE c.kind = 'test.follow'
                       AND p.payload = c.payload
                       AND substr(p.traceparent, 4, 32) = substr(c.traceparent, 4, 32)";
    assert_eq!(writers.count(followers).await, 25);
    writers.db.close().await;
}

#[tokio::test]
async fn one_that_fails_leaves_the_others_their_effects() {
    let writers = TestWriters::new().await;
    let rows = writers.at_once(&[101, 102, BROKEN, 103, ALONE, 104]).await;
    let states: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, ["succeeded", "succeeded", "scheduled", "succeeded", "succeeded", "succeeded"]);
    assert!(rows[2].error.as_ref().is_some_and(|error| error.contains("effects_n_check")), "{:?}", rows[2]);
    let written: Vec<_> = writers.effects().await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(written, [ALONE, 101, 102, 103, 104]);
    // Its next attempt fails nobody else.
    writers.queue.make_due().await;
    let rows = writers.at_once(&[201, 202, 203]).await;
    assert_eq!((rows[2].state.as_str(), rows[2].attempt), ("scheduled", 2));
    assert_eq!(writers.effects().await[5..], [(201, true), (202, true), (203, true)]);
    writers.db.close().await;
}

#[tokio::test]
async fn shared_transactions_are_counted_by_their_outcome() {
    let scrape = shared::telemetry::metrics();
    let writers = TestWriters::new().await;
    let count = |outcome: &str| -> u64 {
        let line = format!("tradeyard_shared_transactions_total{{acts=\"writing\",outcome=\"{outcome}\"}} ");
        scrape.render().lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    };
    // Other tests of the same process count, too.
    let before = (count("committed"), count("failed"));
    for n in [101, 102, BROKEN] {
        writers.at_once(&[n]).await;
    }
    assert!(count("committed") >= before.0 + 2 && count("failed") > before.1, "{}", scrape.render());
    writers.db.close().await;
}

#[tokio::test]
async fn what_a_lost_attempt_has_written_is_not_committed_with_the_others() {
    let writers = TestWriters::new().await;
    let rows = writers.at_once(&[101, LOST, 102, 103]).await;
    let states: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, ["succeeded", "running", "succeeded", "succeeded"]);
    let written: Vec<_> = writers.effects().await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(written, [101, 102, 103]);
    assert_eq!(writers.count("SELECT count(*) FROM jobs WHERE kind = 'test.follow'").await, 3);
    writers.db.close().await;
}

#[tokio::test]
async fn what_a_stopped_attempt_has_in_a_shared_transaction_is_undone_if_its_end_comes_first() {
    let writers = TestWriters::new().await;
    let tickets = writers.due(&[HELD, 101]).await;
    let [held, other] = tickets.as_slice() else { panic!("{tickets:?}") };
    let (stopped, other) = (writers.queue.start(*held), writers.queue.start(*other));
    writers.services.begun.notified().await;
    writers.queue.stop(held.job, StopReason::Shutdown);
    stopped.await.unwrap();
    let states = "SELECT count(*) FROM jobs WHERE kind = 'test.write_down' AND state = 'available' AND attempt = 0";
    assert_eq!(writers.count(states).await, 1);
    writers.services.goes_on.add_permits(1);
    other.await.unwrap();
    let written: Vec<_> = writers.effects().await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(written, [101]);
    // Another attempt does it, once.
    writers.services.goes_on.add_permits(1);
    let rows = writers.at_once(&[]).await;
    assert!(rows.iter().all(|row| row.state == "succeeded"), "{rows:?}");
    let written: Vec<_> = writers.effects().await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(written, [HELD, 101]);
    writers.db.close().await;
}

/// What the others have locked is free when each goes alone, although the transaction waits for somebody who never ends.
#[tokio::test]
async fn one_that_waits_for_what_somebody_holds_holds_up_none_beside_it() {
    let writers = TestWriters::new().await;
    let mut holder = writers.db.pool.begin().await.unwrap();
    write_down(&mut holder, &[TAKEN], false).await.unwrap();
    let tickets = writers.due(&[101, 103, TAKEN, 102]).await;
    let mut attempts: Vec<_> = tickets.iter().map(|ticket| writers.queue.start(*ticket)).collect();
    let waiting = attempts.remove(2);
    let ended = tokio::time::timeout(Duration::from_mins(1), join_all(attempts)).await.expect("they wait for nobody");
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    let written: Vec<_> = writers.effects().await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(written, [101, 102, 103]);
    holder.rollback().await.unwrap();
    waiting.await.unwrap();
    let rows = writers.at_once(&[]).await;
    assert!(rows.iter().all(|row| row.state == "succeeded"), "{rows:?}");
    let written: Vec<_> = writers.effects().await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(written, [TAKEN, 101, 102, 103]);
    writers.db.close().await;
}
