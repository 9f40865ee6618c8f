//! For tests of jobs: look at what was enqueued, run everything that is due in this process. To break a process at a chosen
//! point, see [`super::fault`].
//!
//! [`TestQueue`] is the real engine (claims, guard, fences, finishes) without broker and dispatcher: what it runs passes the same
//! code as in a worker process.

use std::sync::Arc;

use serde_json::Value;
use shared::clock::Clock;
use shared::ids::JobId;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::job::{Job, decode};
use super::ledger::connections::Connections;
use super::ledger::dispatch::{Share, lines, take};
use super::ledger::workers::{Registration, register};
use super::ledger::{Ledger, dispatch};
use super::ticket::Ticket;
use super::worker::engine::Engine;
use super::worker::lease::Lease;
use super::worker::neighbours::place;
use super::worker::run::{Place, run};
use super::worker::{Handlers, StopReason};

/// The open jobs of kind `J`, oldest first.
///
/// # Panics
/// When the database does not answer or a payload does not decode: the test cannot go on.
#[expect(clippy::expect_used, reason = "a test ends here")]
pub async fn enqueued<J: Job>(pool: &PgPool) -> Vec<J> {
    let rows = sqlx::query!(
        r#"
        SELECT version, payload
        FROM jobs
        WHERE kind = $1
          AND state IN ('scheduled', 'available', 'queued')
        ORDER BY id
        "#,
        J::KIND.name,
    )
    .fetch_all(pool)
    .await
    .expect("the ledger answers");
    rows.into_iter().map(|row| decode(row.version, row.payload).expect("the payload decodes")).collect()
}

/// Asserts that an open job of kind `J` satisfies `is`.
///
/// # Panics
/// When there is none.
#[track_caller]
pub fn assert_enqueued<J: Job + std::fmt::Debug>(
    pool: &PgPool,
    is: impl Fn(&J) -> bool + Send,
) -> impl Future<Output = ()> + Send {
    let caller = std::panic::Location::caller();
    async move {
        let jobs = enqueued::<J>(pool).await;
        assert!(jobs.iter().any(is), "{caller}: no such {} among the open jobs: {jobs:?}", J::KIND);
    }
}

/// A worker for tests: runs due jobs in the order in which the dispatcher would take them, one after the other.
#[derive(Debug)]
pub struct TestQueue<S> {
    pub(crate) engine: Arc<Engine<S>>,
    pub(crate) registration: Registration,
    services: Arc<S>,
    queues: Vec<String>,
    pool: PgPool,
}

impl<S: Send + Sync + 'static> TestQueue<S> {
    /// Registers the worker.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn new(pool: &PgPool, handlers: Handlers<S>, services: S) -> Self {
        Self::with_clock(pool, handlers, services, Clock::SYSTEM).await
    }

    /// A worker whose own clock shows this, whatever the database's does.
    ///
    /// # Panics
    /// When the database does not answer.
    #[expect(clippy::expect_used, reason = "a test ends here")]
    pub async fn with_clock(pool: &PgPool, handlers: Handlers<S>, services: S, clock: Clock) -> Self {
        let queues: Vec<String> = handlers.queues().iter().map(|queue| queue.name.to_owned()).collect();
        let this = Registration {
            name: "test".to_owned(),
            pool: "test".to_owned(),
            host: "test".to_owned(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            place: place(),
            version: "test".to_owned(),
            queues: queues.clone(),
            kinds: handlers.kinds(),
            concurrency: 1,
        };
        let mut conn = pool.acquire().await.expect("the ledger answers");
        let lease = Lease::default();
        lease.set(register(&mut conn, &this).await.expect("the worker registers"));
        let ledger = Ledger::new(pool.clone());
        let engine = Engine::start(Connections::like(pool), ledger, lease, handlers, clock, CancellationToken::new());
        Self { engine: Arc::new(engine), registration: this, services: Arc::new(services), queues, pool: pool.clone() }
    }

    /// Runs what is due, and what that enqueues, until nothing is left; returns how many attempts ran. Retries and snoozes are due
    /// when their time has come, which a slow machine may reach meanwhile, or with [`TestQueue::make_due`].
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn drain(&self) -> usize {
        let mut ran = 0;
        loop {
            let tickets = self.take().await;
            if tickets.is_empty() {
                return ran;
            }
            for ticket in tickets {
                self.run(ticket).await;
                ran += 1;
            }
        }
    }

    /// Makes every scheduled job due.
    ///
    /// # Panics
    /// When the database does not answer.
    #[expect(clippy::expect_used, reason = "a test ends here")]
    pub async fn make_due(&self) {
        sqlx::query!("UPDATE jobs SET run_at = clock_timestamp() WHERE state = 'scheduled'")
            .execute(&self.pool)
            .await
            .expect("the ledger answers");
    }

    /// Runs one ticket as a worker does.
    pub async fn run(&self, ticket: Ticket) {
        let (taken, _) = oneshot::channel();
        let place = Place { room: Arc::new(Semaphore::new(1)), permit: None, shutdown: CancellationToken::new() };
        run(&self.engine, Arc::clone(&self.services), ticket, taken, place).await;
    }

    /// [`TestQueue::run`] in the background.
    #[must_use]
    pub fn start(&self, ticket: Ticket) -> tokio::task::JoinHandle<()> {
        let this = Self {
            engine: Arc::clone(&self.engine),
            registration: self.registration.clone(),
            services: Arc::clone(&self.services),
            queues: self.queues.clone(),
            pool: self.pool.clone(),
        };
        tokio::spawn(async move { this.run(ticket).await })
    }

    /// Tells a running attempt to stop, as a heartbeat does.
    pub fn stop(&self, job: JobId, reason: StopReason) {
        self.engine.running.stop(&[job], reason);
    }

    /// Moves due jobs to `queued`, as the dispatcher does, and returns their tickets.
    ///
    /// # Panics
    /// When the database does not answer.
    #[expect(clippy::expect_used, reason = "a test ends here")]
    pub async fn take(&self) -> Vec<Ticket> {
        let mut conn = self.pool.acquire().await.expect("the ledger answers");
        dispatch::promote(&mut conn, 1_000).await.expect("due jobs are promoted");
        let mut tickets = Vec::new();
        for queue in &self.queues {
            for line in lines(&mut conn, queue, None, 100).await.expect("lines are read") {
                let share = Share { tenant: line.tenant, after: 0, most: 100 };
                let taken = take(&mut conn, queue, line.priority, &[share], None).await.expect("jobs are taken");
                tickets.extend(taken.into_iter().map(|taken| taken.ticket));
            }
        }
        tickets
    }
}

/// Asserts that no job is left open and that the ledger does not contradict itself: what must hold when everything has run.
///
/// # Panics
/// When a job is open, the ledger contradicts itself, or the database does not answer.
#[track_caller]
pub fn assert_settled(pool: &PgPool) -> impl Future<Output = ()> + Send {
    let caller = std::panic::Location::caller();
    let consistent = assert_consistent(pool);
    let pool = pool.clone();
    async move {
        let open = texts(
            &pool,
            "SELECT format('%s %s, %s after %s attempts: %s', kind, id, state, attempt, error)
             FROM jobs WHERE state < 'succeeded' ORDER BY id LIMIT 20",
        );
        let open = open.await;
        assert!(open.is_empty(), "{caller}: jobs are left open: {open:#?}");
        consistent.await;
    }
}

/// Asserts that the ledger does not contradict itself, whatever is open.
///
/// # Panics
/// When an attempt belongs to no job or to a hand-over that never was, a job ended before it began, or the database does not
/// answer.
#[track_caller]
pub fn assert_consistent(pool: &PgPool) -> impl Future<Output = ()> + Send {
    let caller = std::panic::Location::caller();
    let pool = pool.clone();
    async move {
        let wrong = texts(
            &pool,
            "SELECT format('attempt %s of job %s', epoch, job)
             FROM job_attempts AS attempt
             WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = attempt.job AND jobs.epoch >= attempt.epoch)
             UNION ALL
             SELECT format('job %s is %s without an end or before its start', id, state)
             FROM jobs WHERE state >= 'succeeded' AND (finished_at IS NULL OR finished_at < started_at)
             LIMIT 20",
        );
        let wrong = wrong.await;
        assert!(wrong.is_empty(), "{caller}: the ledger contradicts itself: {wrong:#?}");
    }
}

#[expect(clippy::expect_used, reason = "a test ends here")]
async fn texts(pool: &PgPool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("the ledger answers")
}

/// A job's row, for assertions.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: i64,
    pub state: String,
    pub attempt: i32,
    pub error: Option<String>,
    pub result: Option<Value>,
}

/// The rows of a kind, oldest first.
///
/// # Panics
/// When the database does not answer.
#[expect(clippy::expect_used, reason = "a test ends here")]
pub async fn rows(pool: &PgPool, kind: &str) -> Vec<Row> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, state::text AS "state!", attempt, error, result FROM jobs WHERE kind = $1 ORDER BY id"#,
        kind,
    )
    .fetch_all(pool)
    .await
    .expect("the ledger answers")
}

/// Queues for the tests of the engine, named like those of the product.
pub mod queues {
    use crate::job::Queue;
    use crate::transport::Transport;

    pub const EMAILS: Queue = Queue { name: "emails", pool: "emails", transport: Transport::Rabbit };
    pub const MAINTENANCE: Queue = Queue { name: "maintenance", pool: "reports", transport: Transport::Redis };
    pub const REPORTS: Queue = Queue { name: "reports", pool: "reports", transport: Transport::Redis };
}
