//! The engine with jobs of its own, for one test.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Range, RangeInclusive};
use std::time::{Duration, Instant};

use queue::Ledger;
use queue::enqueue::{Enqueue, enqueue_all};
use queue::ops::queues::{self, QueueChange};
use queue::ops::why::{Cause, why};
use queue::testing::assert_settled;
use queue::transport::Brokers;
use queue::transport::Transport;
use shared::config::{Config, Source};
use shared::ids::JobId;
use shared::program::{Health, Signals};
use shared::testing::TestDb;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::roles;
use crate::touch::{QUEUE, Touch, registry};
use crate::until::{PATIENCE, until_sql};

/// How long the parts of this process may take to sign off.
const SIGN_OFF: Duration = Duration::from_secs(10);

/// A database, a namespace on the brokers, and the parts that the test started.
#[derive(Debug)]
pub struct TestStack {
    pub db: TestDb,
    pub config: Config,
    pub env: BTreeMap<String, String>,
    stop: CancellationToken,
    /// The parts that run in this process.
    parts: TaskTracker,
}

/// A part that runs in this process.
#[derive(Debug)]
pub struct Running {
    pub stop: CancellationToken,
    pub kill: CancellationToken,
    pub health: Health,
    pub task: JoinHandle<anyhow::Result<()>>,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a test without its stack ends here"
)]
impl TestStack {
    /// Makes a stack on the servers named by the environment, with the queue on `transport`.
    pub async fn new(transport: Transport) -> Self {
        Self::with(transport, &[]).await
    }

    /// Makes a stack with other settings, such as a server of the test's own.
    pub async fn with(transport: Transport, settings: &[(&str, &str)]) -> Self {
        Self::on(TestDb::new().await, transport, settings).await
    }

    /// Makes a stack on this database.
    pub async fn on(db: TestDb, transport: Transport, settings: &[(&str, &str)]) -> Self {
        let mut env: BTreeMap<String, String> = ["REDIS_URL", "AMQP_URL"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect();
        env.insert("DATABASE_URL".to_owned(), db.url());
        env.insert("NAMESPACE".to_owned(), format!("t{}", uuid::Uuid::now_v7().simple()));
        env.insert("LOG".to_owned(), "warn".to_owned());
        env.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let config = Config::from_source(Source::new("", env.clone())).expect("the settings are right");
        shared::telemetry::init_logging(&config.log);
        sqlx::query("CREATE TABLE effects (id bigserial, n integer NOT NULL, tenant uuid)")
            .execute(&db.pool)
            .await
            .expect("the effects table is made");
        sqlx::query("INSERT INTO queues (name, transport) VALUES ($1, $2)")
            .bind(QUEUE.name)
            .bind(transport.name())
            .execute(&db.pool)
            .await
            .expect("the queue is set up");
        Self { db, config, env, stop: CancellationToken::new(), parts: TaskTracker::new() }
    }

    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.db.pool
    }

    /// A ledger with a fast path.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        roles::ledger(&self.config, &self.stop).expect("the ledger opens").0
    }

    /// A ledger whose fast path is open, because a scheduler leads the queue and it has room.
    pub async fn fast_ledger(&self) -> Ledger {
        let (ledger, path) = roles::ledger(&self.config, &self.stop).expect("the ledger opens");
        let started = Instant::now();
        while !path.is_open(QUEUE.name) {
            assert!(started.elapsed() < PATIENCE, "the fast path does not open");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ledger
    }

    /// Changes the queue's settings as an operator would.
    pub async fn change(&self, change: QueueChange) {
        let mut conn = self.db.pool.acquire().await.expect("the database answers");
        queues::set(&mut conn, QUEUE.name, &change, queue::ops::Actor::System).await.expect("the settings are right");
    }

    /// What keeps the newest job from running.
    pub async fn why(&self) -> Cause {
        let mut conn = self.db.pool.acquire().await.expect("the database answers");
        let newest =
            sqlx::query_scalar("SELECT max(id) FROM jobs").fetch_one(&mut *conn).await.expect("there is a job");
        why(&mut conn, &registry(), JobId(newest)).await.expect("there is a cause").cause
    }

    /// Reads one number.
    pub async fn number(&self, sql: &str) -> f64 {
        let sql = format!("SELECT ({sql})::double precision");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await.expect("the number is read")
    }

    #[must_use]
    pub fn brokers(&self) -> Brokers {
        Brokers::connect(&self.config, self.db.pool.clone())
    }

    /// Starts a worker in this process.
    #[must_use]
    pub fn worker(&self, concurrency: usize) -> Running {
        self.worker_with_grace(concurrency, roles::GRACE)
    }

    /// [`TestStack::worker`] with another grace period.
    #[must_use]
    pub fn worker_with_grace(&self, concurrency: usize, grace: Duration) -> Running {
        let config = self.config.clone();
        self.start(move |signals| async move { roles::worker(&config, concurrency, grace, signals).await })
    }

    /// Starts a scheduler in this process.
    #[must_use]
    pub fn scheduler(&self) -> Running {
        let config = self.config.clone();
        self.start(move |signals| async move { roles::scheduler(&config, signals).await })
    }

    fn start<F>(&self, part: impl FnOnce(Signals) -> F) -> Running
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let signals = Signals { stop: self.stop.child_token(), ..Signals::default() };
        let (stop, kill, health) = (signals.stop.clone(), signals.kill.clone(), signals.health.clone());
        Running { task: self.parts.spawn(part(signals)), stop, kill, health }
    }

    /// Enqueues `count` jobs of `millis` each in one statement.
    pub async fn enqueue(&self, count: i32, millis: u64) {
        self.enqueue_range(0..count, millis).await;
    }

    /// Enqueues the jobs `first` to `first + count` in one statement.
    pub async fn enqueue_from(&self, first: i32, count: i32) {
        self.enqueue_range(first..first + count, 0).await;
    }

    async fn enqueue_range(&self, numbers: Range<i32>, millis: u64) {
        let jobs: Vec<_> = numbers.map(|n| Enqueue::new(&Touch { n, millis, ..Touch::default() })).collect();
        let mut conn = self.db.pool.acquire().await.expect("the database answers");
        enqueue_all(&mut conn, &jobs).await.expect("the jobs are enqueued");
    }

    /// Changes the queue's row, as in `set("paused = true")`.
    pub async fn set(&self, change: &str) {
        let sql = format!("UPDATE queues SET {change}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.db.pool).await.expect("the queue's row changes");
    }

    /// How many rows `condition` finds in `jobs`.
    pub async fn count(&self, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM jobs WHERE {condition}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await.unwrap_or(-1)
    }

    /// Waits until `sql` counts exactly `wanted`.
    pub async fn until_sql(&self, sql: &str, wanted: i64) {
        until_sql(&self.db.pool, sql, wanted).await;
    }

    /// Waits until exactly `wanted` jobs satisfy `condition`.
    pub async fn until(&self, condition: &str, wanted: i64) {
        self.until_within(condition, wanted..=wanted).await;
    }

    /// Waits until at least `wanted` jobs satisfy `condition`.
    pub async fn until_at_least(&self, condition: &str, wanted: i64) {
        self.until_within(condition, wanted..=i64::MAX).await;
    }

    async fn until_within(&self, condition: &str, wanted: RangeInclusive<i64>) {
        let started = Instant::now();
        loop {
            let count = self.count(condition).await;
            if wanted.contains(&count) {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{condition}: {count}, not {wanted:?}; states: {:?}",
                self.states().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no job is open.
    pub async fn until_drained(&self) {
        self.until("state < 'succeeded'", 0).await;
    }

    /// Asserts that jobs 0 to `count` have succeeded and left one effect each: nothing lost, nothing doubled.
    pub async fn assert_once_each(&self, count: i32) {
        let effects: Vec<(i32, i64)> = sqlx::query_as("SELECT n, count(*) FROM effects GROUP BY n ORDER BY n")
            .fetch_all(&self.db.pool)
            .await
            .expect("the effects are read");
        let expected: Vec<(i32, i64)> = (0..count).map(|n| (n, 1)).collect();
        assert_eq!(effects, expected, "states: {:?}", self.states().await);
        assert_eq!(self.count("state = 'succeeded'").await, i64::from(count));
    }

    /// The effects in the order in which they were committed.
    pub async fn order(&self) -> Vec<i32> {
        sqlx::query_scalar("SELECT n FROM effects ORDER BY id")
            .fetch_all(&self.db.pool)
            .await
            .expect("the effects are read")
    }

    async fn states(&self) -> HashMap<String, i64> {
        sqlx::query_as("SELECT state::text, count(*) FROM jobs GROUP BY 1")
            .fetch_all(&self.db.pool)
            .await
            .unwrap_or_default()
            .into_iter()
            .collect()
    }

    /// Asserts that no job is left open and that the ledger does not contradict itself, then ends as [`TestStack::leave`].
    pub async fn close(self) {
        assert_settled(&self.db.pool).await;
        self.leave().await;
    }

    /// Stops every part in this process and drops the database, for a test that leaves jobs open on
    /// purpose.
    pub async fn leave(self) {
        self.stop.cancel();
        self.parts.close();
        // Parts that take longer lose their database.
        let _ = tokio::time::timeout(SIGN_OFF, self.parts.wait()).await;
        self.db.close().await;
    }
}
