//! The ledger's rows and the statements that move them.

pub mod claim;
pub(crate) mod connections;
pub mod dispatch;
pub mod finish;
pub mod insert;
pub mod lead;
pub(crate) mod locks;
pub mod queue_settings;
pub mod reads;
pub mod reap;
pub mod reason;
pub(crate) mod sessions;
pub mod window;
pub(crate) mod workers;

use std::ops::{Deref, DerefMut};

use shared::ids::JobId;
use shared::realtime::{Event, Publisher};
use sqlx::{PgConnection, PgPool};

use self::connections::{Borrowed, Connections, Tx};
use super::cx::Turn;
use super::enqueue::{Enqueue, EnqueueError, Enqueued};
use super::fast_path::{FastPath, Taken};
use super::fault::{self, Point};
use super::job::Job;
use super::ticket::Ticket;

/// How a transaction begins that keeps its statements' plans, and what is set with it; one round trip.
macro_rules! begin_with_plans_kept {
    ($more:literal) => {
        concat!(
            "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off",
            $more
        )
    };
}
pub(crate) use begin_with_plans_kept;

/// What an attempt must still hold for its writes to count: the hand-over and the worker that claimed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    pub job: JobId,
    pub epoch: i32,
    pub worker: i64,
}

/// The door to the ledger for code that enqueues. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    pool: PgPool,
    connections: Connections,
    fast_path: Option<FastPath>,
    publisher: Publisher,
}

impl Ledger {
    /// A ledger whose jobs are found and published by the dispatcher, and whose events stay in this process. Its
    /// transactions run on connections of their own, as many as `pool` may have.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { connections: Connections::like(&pool), pool, fast_path: None, publisher: Publisher::local() }
    }

    /// Jobs that are due at once are also published right after the commit, when their queue has room.
    #[must_use]
    pub fn with_fast_path(self, fast_path: FastPath) -> Self {
        Self { fast_path: Some(fast_path), ..self }
    }

    /// Events reach every process of the installation.
    #[must_use]
    pub fn with_publisher(self, publisher: Publisher) -> Self {
        Self { publisher, ..self }
    }

    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits, for some seconds at most, until what was committed through this ledger has been handed to the brokers: what a
    /// process does last, so that its last jobs do not wait for the reconciler.
    pub async fn drained(&self) {
        if let Some(path) = &self.fast_path {
            path.drained().await;
        }
    }

    /// Begins a transaction in which data and jobs are written together.
    pub async fn begin(&self) -> Result<JobTx, sqlx::Error> {
        Ok(self.job_tx(self.connections.begin().await?, None))
    }

    /// [`Ledger::begin`] for statements that are the same each time and find what they need by keys: their plans are kept. PostgreSQL would
    /// plan those with arrays anew for each execution, which takes longer than most of them, because it takes an array that it does not
    /// know for one of ten. A plan that is kept was perhaps made for empty tables, so it may not read what no index finds.
    pub async fn begin_with_plans_kept(&self) -> Result<JobTx, sqlx::Error> {
        self.begin_by(begin_with_plans_kept!("")).await
    }

    /// [`Ledger::begin`] by a statement that also says what holds for the transaction.
    pub(crate) async fn begin_by(&self, statement: &'static str) -> Result<JobTx, sqlx::Error> {
        Ok(self.job_tx(self.connections.begin_by(statement).await?, None))
    }

    /// [`Ledger::begin`] for an attempt of a job: it waits for its turn, which ends with the transaction.
    pub(crate) async fn begin_in_turn(&self, turn: Turn) -> Result<JobTx, sqlx::Error> {
        let tx = self.connections.begin_in_turn().await?;
        turn.holds(tx.session());
        Ok(self.job_tx(tx, Some(turn)))
    }

    pub(crate) async fn borrow_in_turn(&self) -> Result<Borrowed, sqlx::Error> {
        self.connections.borrow_in_turn().await
    }

    fn job_tx(&self, tx: Tx, turn: Option<Turn>) -> JobTx {
        JobTx {
            tx,
            fast_path: self.fast_path.clone(),
            publisher: self.publisher.clone(),
            ready: Vec::new(),
            events: Vec::new(),
            parent: None,
            turn,
        }
    }

    /// Enqueues one job in a transaction of its own.
    pub async fn enqueue<J: Job>(&self, job: &J) -> Result<Enqueued, EnqueueError> {
        self.enqueue_with(Enqueue::new(job)).await
    }

    /// [`Ledger::enqueue`] for a job with a time, priority or key of its own.
    pub async fn enqueue_with(&self, job: Enqueue) -> Result<Enqueued, EnqueueError> {
        let mut tx = self.begin().await?;
        let enqueued = tx.enqueue_with(job).await?;
        tx.commit().await?;
        Ok(enqueued)
    }
}

/// A transaction that also enqueues, and reports to clients what it changed. Use it as the `&mut PgConnection` of every store function.
#[derive(Debug)]
pub struct JobTx {
    tx: Tx,
    fast_path: Option<FastPath>,
    publisher: Publisher,
    ready: Vec<(&'static str, Ticket, Taken)>,
    events: Vec<Event>,
    parent: Option<JobId>,
    /// An attempt has one connection at a time.
    turn: Option<Turn>,
}

impl JobTx {
    /// Jobs enqueued from here on are children of `parent`.
    #[must_use]
    pub fn with_parent(self, parent: JobId) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// Enqueues a job as its contract says. It exists if and only if this transaction commits.
    pub async fn enqueue<J: Job>(&mut self, job: &J) -> Result<Enqueued, EnqueueError> {
        self.enqueue_with(Enqueue::new(job)).await
    }

    /// Enqueues a job with a time, priority or key of its own.
    pub async fn enqueue_with(&mut self, mut job: Enqueue) -> Result<Enqueued, EnqueueError> {
        self.used();
        job.parent = job.parent.or(self.parent);
        let taken = self.fast_path.as_ref().and_then(|path| path.take(job.queue.name));
        let (enqueued, ticket) = insert::one(&mut self.tx, &job, taken.is_some()).await?;
        if let Some((ticket, taken)) = ticket.zip(taken) {
            self.ready.push((job.queue.name, ticket, taken));
        }
        Ok(enqueued)
    }

    /// Enqueues many jobs in one statement and returns what became of each. The dispatcher publishes them.
    pub async fn enqueue_all(&mut self, mut jobs: Vec<Enqueue>) -> Result<Vec<Enqueued>, EnqueueError> {
        self.used();
        for job in &mut jobs {
            job.parent = job.parent.or(self.parent);
        }
        insert::many(&mut self.tx, &jobs).await
    }

    /// Enqueues jobs in one statement, or none; one by itself is published at once.
    pub async fn enqueue_each(&mut self, mut jobs: Vec<Enqueue>) -> Result<Vec<Enqueued>, EnqueueError> {
        match (jobs.len(), jobs.pop()) {
            (1, Some(job)) => Ok(vec![self.enqueue_with(job).await?]),
            (_, Some(job)) => {
                jobs.push(job);
                self.enqueue_all(jobs).await
            }
            (_, None) => Ok(Vec::new()),
        }
    }

    /// Tells everybody who watches the event's topic, if and when this transaction commits.
    pub fn announce(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Commits, then hands the jobs that are ready and the events to their publishers. A process that dies in between loses
    /// nothing: the rows say `queued`, and the reconciler sends what no broker holds; watchers read what they were not sent.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.used();
        self.tx.commit().await?;
        if let Some(path) = self.fast_path.filter(|_| !self.ready.is_empty()) {
            fault::pass(Point::BeforePublish)?;
            for (queue, ticket, taken) in self.ready {
                path.publish(queue, ticket, taken);
            }
        }
        for event in self.events {
            self.publisher.publish(event);
        }
        Ok(())
    }

    /// Undoes everything, the enqueued jobs as well. Dropping does the same, but some time later.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.used();
        self.tx.rollback().await
    }

    fn used(&self) {
        if let Some(turn) = &self.turn {
            turn.used();
        }
    }
}

impl Deref for JobTx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for JobTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.used();
        &mut self.tx
    }
}
