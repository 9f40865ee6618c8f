//! What a handler sees of its job, and what it may do with it.

mod db;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use shared::trace::TraceParent;
use tokio_util::sync::CancellationToken;

use super::enqueue::Enqueued;
use super::fault::{self, Point};
use super::job::Job;
use super::kept::{LINE_BYTES, cut};
use super::ledger::{Fence, JobTx, Ledger, finish};
use super::outcome::{Committed, Outcome};
use crate::group::Group;
use crate::worker::StopReason;
use crate::worker::statements::Shown;

pub use self::db::{Db, HandlerConnection, SecondConnection};
pub(crate) use self::db::{OneConnection, Quiet, Turn};

/// How often a job's progress is written at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// How long a commit with its finish may take.
const FINISH_WITHIN: Duration = Duration::from_secs(30);
/// For how long the record of an effect outside of the database is repeated, and how long one try may take.
const RECORD_FOR: Duration = Duration::from_mins(5);
const RECORD_TRY: Duration = Duration::from_secs(40);

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
    /// When it was claimed, by the database's clock and by this process's own measure.
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) claimed: Instant,
    pub trace: TraceParent,
    pub ledger: Ledger,
    /// Cancelled when an operator cancels the job, when its time is up, or when the worker must stop.
    pub cancelled: CancellationToken,
    /// Why, unless its time is up.
    pub(crate) stopped_for: Arc<Mutex<Option<StopReason>>>,
    pub(crate) log: Mutex<Vec<(DateTime<Utc>, String)>>,
    pub(crate) progressed: Mutex<Option<Instant>>,
    pub(crate) progresses: Group<Shown, bool>,
    pub(crate) connection: OneConnection,
    /// An effect outside of the database has happened and is not yet recorded: the attempt is not to be cut short.
    pub(crate) recording: AtomicBool,
    pub clock: shared::clock::Clock,
}

impl Attempt {
    /// The time by the database's clock. The host's own may show anything.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.started_at + self.claimed.elapsed()
    }

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

/// What an effect outside of the database was for is gone or done by others: there is nothing to record.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the record of the effect is not wanted any more")]
pub struct NotWanted;

/// The attempt was asked to stop before its work was done.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("asked to stop")]
pub struct AskedToStop;

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

    /// The way to the database. An attempt has one connection at a time, a transaction counted; see [`SecondConnection`].
    #[must_use]
    pub fn db(&self) -> Db<'_> {
        Db(&self.attempt)
    }

    #[must_use]
    pub fn clock(&self) -> &shared::clock::Clock {
        &self.attempt.clock
    }

    /// Begins a transaction; jobs enqueued in it are children of this job.
    pub async fn begin(&self) -> Result<JobTx, sqlx::Error> {
        self.db().begin().await
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

    /// [`Cx::commit`] for the record of an effect that has happened outside of the database and must not happen again, such as a webhook
    /// that was delivered. `write` gets a transaction, writes the record and gives the transaction back; both are repeated, for
    /// five minutes at most, whatever is wrong with the database. Neither the job's time limit nor a lost lease cuts this
    /// short: the fence decides whether the record still counts. What repeating cannot mend, `write` reports as [`NotWanted`].
    ///
    /// Fails with [`StaleAttempt`], and writes nothing, when another attempt has taken the job over, and with [`NotWanted`].
    pub async fn commit_after_effect<F, R>(&self, result: Option<Value>, write: F) -> anyhow::Result<Outcome>
    where
        F: Fn(JobTx) -> R,
        R: Future<Output = anyhow::Result<JobTx>>,
    {
        let (write, result) = (&write, &result);
        let recorded = self.recorded(|again| async move {
            // The commit before may have gone in, and its answer been lost.
            if again && finish::has_succeeded(&mut *self.db().acquire().await?, self.attempt.fence).await? {
                return Ok(Outcome::Committed(Committed::new()));
            }
            let tx = write(self.begin().await?).await?;
            self.finish_in(tx, result.clone()).await
        });
        recorded.await
    }

    /// The same, apart from the job's success, which goes in with those of other jobs afterwards: one statement of `write`, where
    /// [`Cx::commit_after_effect`] takes a transaction of four. Only for a record by which a later attempt sees that the effect has
    /// happened, since this one may end before its success is kept, and which can be written only once: `write` reports
    /// [`NotWanted`] when it is there already.
    ///
    /// Another attempt that has taken the job over does not keep it from being written: the effect has happened.
    pub async fn record_after_effect<F, R>(&self, result: Value, write: F) -> anyhow::Result<Outcome>
    where
        F: Fn(HandlerConnection) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        let write = &write;
        self.recorded(|_| async move { write(self.db().acquire().await?).await }).await?;
        Ok(Outcome::DoneWith(result))
    }

    /// Tries to record an effect that has happened until that succeeds; each try hears whether there was one before.
    async fn recorded<T, F, R>(&self, record: F) -> anyhow::Result<T>
    where
        F: Fn(bool) -> R,
        R: Future<Output = anyhow::Result<T>>,
    {
        let _recording = Recording::begin(&self.attempt);
        let latest = Instant::now() + RECORD_FOR;
        let mut pause = Duration::from_millis(50);
        let mut again = false;
        loop {
            let error = match tokio::time::timeout(RECORD_TRY, record(again)).await {
                Ok(Ok(recorded)) => return Ok(recorded),
                Ok(Err(error)) => error,
                Err(_) => anyhow::anyhow!("the database did not answer within {RECORD_TRY:?}"),
            };
            let is_final = error.is::<StaleAttempt>() || error.is::<NotWanted>() || SecondConnection::caused(&error);
            if is_final || Instant::now() >= latest {
                return Err(error.context("record an effect that has happened"));
            }
            tracing::warn!(
                error = format!("{error:#}"),
                job.id = self.id().0,
                "cannot record an effect that has happened; trying again"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
            again = true;
        }
    }

    async fn finish_in(&self, mut tx: JobTx, result: Option<Value>) -> anyhow::Result<Outcome> {
        let finishing = async {
            finish::succeed_in(&mut tx, self.attempt.fence, result.as_ref()).await?;
            fault::pass(Point::BeforeCommit)?;
            tx.commit().await.context("commit effect and finish")?;
            fault::pass(Point::Committed)?;
            Ok(Outcome::Committed(Committed::new()))
        };
        // A host that has vanished answers nothing: the place must not wait for the job's whole time limit.
        let finished = tokio::time::timeout(FINISH_WITHIN, finishing).await;
        finished.unwrap_or_else(|_| Err(anyhow::anyhow!("the commit got no answer within {FINISH_WITHIN:?}")))
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
        if line.len() > LINE_BYTES {
            cut(&mut line, LINE_BYTES);
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
        // By the engine's own connections: the handler may hold its only one.
        let shown = Shown { fence: self.attempt.fence, percent: percent.min(100), text: text.to_owned() };
        match self.attempt.progresses.ask(shown).await {
            Some(false) => Err(StaleAttempt(self.id()).into()),
            Some(true) | None => Ok(()),
        }
    }

    /// Keeps how far the job is in the transaction that holds the work done so far: the next attempt goes on from there. The value
    /// stands where the result will stand, and is shown to operators.
    ///
    /// Fails with [`StaleAttempt`] when another attempt has taken the job over; the transaction must not commit then.
    pub async fn checkpoint<T: Serialize>(
        &self,
        tx: &mut JobTx,
        percent: u8,
        text: &str,
        at: &T,
    ) -> anyhow::Result<()> {
        let at = serde_json::to_value(at).context("write the checkpoint")?;
        finish::checkpoint(tx, self.attempt.fence, percent.min(100), text, &at).await
    }

    /// The last checkpoint of this job, by whichever attempt.
    pub async fn checkpointed<T: DeserializeOwned>(&self) -> anyhow::Result<Option<T>> {
        let mut tx = self.begin().await?;
        let at = finish::checkpointed(&mut tx, self.attempt.fence).await?;
        tx.commit().await?;
        at.map(serde_json::from_value).transpose().context("read the checkpoint")
    }

    /// Resolves when the handler should stop: the job was cancelled, its time is up, or the worker shuts down for good.
    pub async fn cancelled(&self) {
        self.attempt.cancelled.cancelled().await;
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.attempt.cancelled.is_cancelled()
    }

    /// Why the handler should stop. `None`: it need not, or its time is up.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        *self.attempt.stopped_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the work unless the handler should stop meanwhile: the work is dropped where it waits then. What is not to be dropped
    /// half done, such as [`Cx::commit_after_effect`], does not belong in it.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.cancelled() => Err(AskedToStop.into()),
        }
    }
}

/// An attempt that records an effect, until this is dropped.
struct Recording<'a>(&'a Attempt);

impl<'a> Recording<'a> {
    fn begin(attempt: &'a Attempt) -> Self {
        attempt.recording.store(true, Ordering::Relaxed);
        Self(attempt)
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.0.recording.store(false, Ordering::Relaxed);
    }
}

impl<S> Deref for Cx<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.services
    }
}
