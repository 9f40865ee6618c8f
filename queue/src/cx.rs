//! What a handler sees of its job, and what it may do with it.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use shared::trace::TraceParent;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::enqueue::Enqueued;
use super::fault::{self, Point};
use super::job::Job;
use super::ledger::{Fence, JobTx, Ledger, finish};
use super::outcome::{Committed, Outcome};

/// How often a job's progress is written at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// The running attempt of one job, with the pool's shared services behind `Deref`: `cx.blobs`, `cx.mailer`.
#[derive(Debug)]
pub struct Cx<S> {
    pub(crate) attempt: Arc<Attempt>,
    services: Arc<S>,
}

/// What is known about the running attempt.
#[derive(Debug)]
pub struct Attempt {
    pub fence: Fence,
    /// Counted from 1; a snooze or a shutdown does not count.
    pub number: i32,
    pub kind: &'static str,
    pub tenant: Option<OrgId>,
    pub created_at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    /// When it was first due: what a retry policy's age counts from.
    pub due_at: DateTime<Utc>,
    pub trace: TraceParent,
    pub ledger: Ledger,
    /// Cancelled when an operator cancels the job, when its time is up, or when the worker must stop.
    pub cancelled: CancellationToken,
    pub(crate) log: Mutex<Vec<(DateTime<Utc>, String)>>,
    pub(crate) progressed: Mutex<Option<Instant>>,
    pub clock: shared::clock::Clock,
}

impl Attempt {
    pub(crate) fn has_unsaved_lines(&self) -> bool {
        !self.log.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The lines logged since the last call.
    pub(crate) fn take_lines(&self) -> Vec<(DateTime<Utc>, String)> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Another attempt has taken the job over: nothing that this one writes counts any more.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this attempt of job {0} no longer holds it")]
pub struct StaleAttempt(pub JobId);

impl<S> Cx<S> {
    #[must_use]
    pub fn new(attempt: Arc<Attempt>, services: Arc<S>) -> Self {
        Self { attempt, services }
    }

    #[must_use]
    pub fn id(&self) -> JobId {
        self.attempt.fence.job
    }

    /// Counted from 1.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        self.attempt.number
    }

    #[must_use]
    pub fn tenant(&self) -> Option<OrgId> {
        self.attempt.tenant
    }

    /// When the job was due; a schedule's fire time for a scheduled job.
    #[must_use]
    pub fn run_at(&self) -> DateTime<Utc> {
        self.attempt.run_at
    }

    #[must_use]
    pub fn db(&self) -> &PgPool {
        self.attempt.ledger.pool()
    }

    #[must_use]
    pub fn clock(&self) -> &shared::clock::Clock {
        &self.attempt.clock
    }

    /// Begins a transaction; jobs enqueued in it are children of this job.
    pub async fn begin(&self) -> Result<JobTx, sqlx::Error> {
        Ok(self.attempt.ledger.begin().await?.with_parent(self.id()))
    }

    /// Commits the effect and the job's success together: a redelivery can never apply the effect twice.
    ///
    /// Fails with [`StaleAttempt`], and writes nothing, when another attempt has taken the job over.
    pub async fn commit(&self, tx: JobTx) -> anyhow::Result<Outcome> {
        self.finish_in(tx, None).await
    }

    /// [`Cx::commit`], keeping a result with the job.
    pub async fn commit_with(&self, tx: JobTx, result: Value) -> anyhow::Result<Outcome> {
        self.finish_in(tx, Some(result)).await
    }

    async fn finish_in(&self, mut tx: JobTx, result: Option<Value>) -> anyhow::Result<Outcome> {
        finish::succeed_in(&mut tx, self.attempt.fence, result.as_ref()).await?;
        fault::pass(Point::BeforeCommit)?;
        tx.commit().await.context("commit effect and finish")?;
        fault::pass(Point::Committed)?;
        Ok(Outcome::Committed(Committed::new()))
    }

    /// Enqueues a child in a transaction of its own.
    pub async fn enqueue<J: Job>(&self, job: &J) -> anyhow::Result<Enqueued> {
        let mut tx = self.begin().await?;
        let enqueued = tx.enqueue(job).await?;
        tx.commit().await?;
        Ok(enqueued)
    }

    /// Keeps a line with the job, shown to operators. Never personal data.
    pub fn log(&self, line: impl Into<String>) {
        let mut line: String = line.into();
        if line.len() > 2_000 {
            line.truncate(line.floor_char_boundary(2_000));
        }
        let mut log = self.attempt.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A handler in a loop must not eat the process: lines past a thousand between two saves are dropped.
        if log.len() < 1_000 {
            log.push((self.attempt.clock.now(), line));
        }
    }

    /// Shows how far the job is. Written at most five times a second; 100 is always written.
    pub async fn progress(&self, percent: u8, text: &str) -> anyhow::Result<()> {
        {
            let mut last = self.attempt.progressed.lock().unwrap_or_else(PoisonError::into_inner);
            if percent < 100 && last.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
                return Ok(());
            }
            *last = Some(Instant::now());
        }
        let mut conn = self.db().acquire().await?;
        finish::progress(&mut conn, self.attempt.fence, percent.min(100), text).await?;
        Ok(())
    }

    /// Resolves when the handler should stop: the job was cancelled, its time is up, or the worker shuts down for good.
    pub async fn cancelled(&self) {
        self.attempt.cancelled.cancelled().await;
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.attempt.cancelled.is_cancelled()
    }
}

impl<S> Deref for Cx<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.services
    }
}
