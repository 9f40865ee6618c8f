//! Claims, runs out attempts' ends, and finishes: what all queues of a worker process share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use shared::clock::Clock;
use shared::trace::TraceParent;
use tokio_util::sync::CancellationToken;

use super::handlers::{Entry, Handlers, Verdict};
use super::lease::Lease;
use super::past_locks::{LIMIT, PastLocks};
use super::run_times::RunTimes;
use super::running::{Running, StopCell, StopReason};
use super::statements::{Claim, Finish, Finished, Logged, Shown, claims, finishes, logs, progresses};
use crate::cx::{Attempt, OneConnection, StaleAttempt};
use crate::error_text::{fingerprint, scrub};
use crate::group::Group;
use crate::ledger::claim::{Claimed, release};
use crate::ledger::connections::{Connections, within};
use crate::ledger::finish::{Ended, Ending};
use crate::ledger::reason::Reason;
use crate::ledger::{Fence, Ledger};
use crate::outcome::{Decision, Outcome};
use crate::retry::Retry;
use crate::ticket::Ticket;

/// How soon a finish is tried again whose job's row somebody holds, first and at most.
const BUSY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// When a job comes again that the worker does not know, first and at most: while a new release is rolled out, a worker that knows it
/// is near; a kind that nobody knows must not keep anybody busy.
const UNKNOWN_COMES_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// A claimed job on its way to its handler.
pub(crate) struct Call<S> {
    pub(crate) entry: Entry<S>,
    pub(crate) attempt: Arc<Attempt>,
    pub(crate) stop: StopCell,
}

/// What claims and finishes jobs for all queues of a process.
#[derive(Debug)]
pub struct Engine<S> {
    /// The engine's own connections: no handler holds one.
    pub(crate) db: Connections,
    pub(crate) lease: Lease,
    pub(crate) running: Running,
    pub(crate) handlers: Handlers<S>,
    ledger: Ledger,
    claims: Group<Ticket, Claim>,
    finishes: Group<(i64, Finish), Finished>,
    progresses: Group<Shown, bool>,
    logs: Group<Logged, ()>,
    pub(crate) run_times: RunTimes,
    clock: Clock,
    gone: CancellationToken,
}

impl<S: Send + Sync + 'static> Engine<S> {
    /// Starts the groups. Statements are repeated until `gone`.
    pub(crate) fn start(
        db: Connections,
        ledger: Ledger,
        lease: Lease,
        handlers: Handlers<S>,
        clock: Clock,
        gone: CancellationToken,
    ) -> Self {
        let past_locks = PastLocks::new(db.clone());
        Self {
            claims: claims(past_locks.clone(), lease.clone(), gone.clone()),
            finishes: finishes(past_locks.clone(), gone.clone()),
            progresses: progresses(past_locks),
            logs: logs(db.clone(), gone.clone()),
            running: Running::default(),
            run_times: RunTimes::default(),
            db,
            ledger,
            lease,
            handlers,
            clock,
            gone,
        }
    }

    pub(crate) async fn claim(&self, ticket: Ticket) -> Claim {
        self.claims.ask(ticket).await.unwrap_or(Claim::Stale)
    }

    /// Writes a finish, and comes back for it as long as somebody holds the job's row. `None`: the process ends.
    async fn end(&self, worker: i64, finish: Finish) -> Option<Finished> {
        let mut pause = BUSY.0;
        loop {
            match self.finishes.ask((worker, finish.clone())).await {
                Some(Finished::Busy) => {}
                other => return other,
            }
            tokio::select! {
                () = self.gone.cancelled() => return None,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(BUSY.1),
            }
        }
    }

    /// Puts tickets that this process will not claim any more back in line at once.
    pub(crate) async fn release(&self, tickets: &[Ticket]) {
        let released = async {
            let mut conn = self.db.lend().await?;
            release(&mut conn, tickets, Reason::WorkerStopped).await?;
            conn.give_back();
            Ok(())
        };
        if let Err(error) = within(LIMIT, released).await {
            tracing::warn!(%error, "could not give tickets back; the reconciler will");
        }
    }

    /// Finds the handler and makes the attempt. A kind, or a version of its payload, that this program does not know yet goes
    /// back in line: while a new release is rolled out, a worker that knows it is near.
    pub(crate) async fn prepare(&self, claimed: &Claimed) -> Option<Call<S>> {
        let fence = Fence { job: claimed.ticket.job, epoch: claimed.ticket.epoch, worker: claimed.worker };
        let entry = match self.handlers.get(&claimed.kind) {
            Some(entry) if claimed.version <= entry.version => entry.clone(),
            known => {
                self.give_back(claimed, fence, known.map(|entry| entry.version)).await;
                return None;
            }
        };
        let stored = claimed.traceparent.as_deref().and_then(|text| text.parse::<TraceParent>().ok());
        let parent = stored.unwrap_or_else(|| TraceParent::of_job(fence.job.0, claimed.created_at));
        let attempt = Arc::new(Attempt {
            fence,
            number: claimed.attempt,
            kind: entry.kind,
            tenant: claimed.tenant,
            created_at: claimed.created_at,
            run_at: claimed.run_at,
            due_at: claimed.due_at.max(claimed.created_at),
            started_at: claimed.started_at,
            claimed: Instant::now(),
            trace: parent.attempt(fence.job.0, fence.epoch),
            ledger: self.ledger.clone(),
            cancelled: CancellationToken::new(),
            stopped_for: Arc::default(),
            log: Mutex::default(),
            progressed: Mutex::default(),
            progresses: self.progresses.clone(),
            connection: OneConnection::default(),
            recording: AtomicBool::new(false),
            clock: self.clock.clone(),
        });
        let due = claimed.run_at.max(claimed.created_at);
        let waited = (claimed.started_at - due).as_seconds_f64().max(0.0);
        metrics::histogram!("tradeyard_job_wait_seconds", "queue" => entry.queue.name).record(waited);
        if let Some(queued_at) = claimed.queued_at {
            let lag = (queued_at - due).as_seconds_f64().max(0.0);
            metrics::histogram!("tradeyard_dispatch_lag_seconds", "queue" => entry.queue.name).record(lag);
        }
        let stop = self.running.add(&attempt);
        Some(Call { entry, attempt, stop })
    }

    async fn give_back(&self, claimed: &Claimed, fence: Fence, known: Option<i16>) {
        let kind = &claimed.kind;
        let why = known.map_or_else(
            || format!("this worker's version has no handler for {kind}"),
            |known| format!("this worker's version reads {kind} up to version {known}, not {}", claimed.version),
        );
        tracing::warn!(job.id = fence.job.0, job.kind = kind, "{why}; giving the job back");
        let ended = Ended {
            job: fence.job,
            epoch: fence.epoch,
            ending: if known.is_some() { Ending::TooNew } else { Ending::Unknown },
            delay: unknown_comes_again(fence.epoch, claimed.attempt).as_secs_f64(),
            fingerprint: Some(fingerprint(kind, &why)),
            error: Some(why),
            started_at: claimed.started_at,
        };
        self.end(fence.worker, Finish::End(ended)).await;
        metrics::counter!("tradeyard_jobs_finished_total", "kind" => kind.clone(), "outcome" => "snooze").increment(1);
    }

    pub(crate) async fn finish(
        &self,
        attempt: &Arc<Attempt>,
        kind: &'static str,
        retry: Retry,
        started_at: DateTime<Utc>,
        verdict: Verdict,
    ) {
        self.save_lines(attempt).await;
        let outcome = self.settle(attempt, retry, started_at, verdict).await;
        self.running.remove(attempt);
        metrics::counter!("tradeyard_jobs_finished_total", "kind" => kind, "outcome" => outcome).increment(1);
    }

    /// Writes the attempt's end; returns the word for it.
    async fn settle(
        &self,
        attempt: &Attempt,
        retry: Retry,
        started_at: DateTime<Utc>,
        verdict: Verdict,
    ) -> &'static str {
        let fence = attempt.fence;
        let ended = |ending, delay: Duration, error: Option<&str>| {
            let error = error.map(scrub);
            Ended {
                job: fence.job,
                epoch: fence.epoch,
                ending,
                delay: delay.as_secs_f64(),
                fingerprint: error.as_deref().map(|error| fingerprint(attempt.kind, error)),
                error,
                started_at,
            }
        };
        let (finish, word) = match verdict {
            Verdict::Outcome(Outcome::Committed(_)) => return "done",
            Verdict::Outcome(Outcome::Done) => (Finish::Succeed(fence.job, fence.epoch, None), "done"),
            Verdict::Outcome(Outcome::DoneWith(value)) => {
                (Finish::Succeed(fence.job, fence.epoch, Some(value)), "done")
            }
            Verdict::Outcome(Outcome::Snooze(delay)) => (Finish::End(ended(Ending::Snooze, delay, None)), "snooze"),
            Verdict::Outcome(Outcome::Retry(cause)) => {
                let (ending, delay) = Self::after_failure(attempt, retry, &Decision::Retry);
                (Finish::End(ended(ending, delay, Some(&cause))), ending.word())
            }
            Verdict::Outcome(Outcome::Cancel(why)) => {
                (Finish::End(ended(Ending::Cancelled, Duration::ZERO, Some(&why))), "cancelled")
            }
            Verdict::Outcome(Outcome::Dead(why)) | Verdict::Undecodable(why) => {
                (Finish::End(ended(Ending::Dead, Duration::ZERO, Some(&why))), "dead")
            }
            Verdict::Failed(error, _) if error.is::<StaleAttempt>() => {
                metrics::counter!("tradeyard_stale_attempts_total").increment(1);
                return "stale";
            }
            Verdict::Failed(error, decision) => {
                let (ending, delay) = Self::after_failure(attempt, retry, &decision);
                (Finish::End(ended(ending, delay, Some(&format!("{error:#}")))), ending.word())
            }
            Verdict::Stopped(StopReason::Cancelled) => {
                (Finish::End(ended(Ending::Cancelled, Duration::ZERO, Some("cancelled on request"))), "cancelled")
            }
            Verdict::Stopped(StopReason::Shutdown) => {
                (Finish::End(ended(Ending::Returned, Duration::ZERO, None)), "returned")
            }
            Verdict::Stopped(StopReason::SessionLost) => {
                let (ending, delay) = Self::after_failure(attempt, retry, &Decision::Retry);
                let error = "the attempt's connection to the database did not answer any more";
                (Finish::End(ended(ending, delay, Some(error))), ending.word())
            }
            // Another worker has the job; whatever we wrote would be refused.
            Verdict::Stopped(StopReason::LeaseLost) => return "lost",
        };
        match self.end(fence.worker, finish).await {
            Some(Finished::Yes) => word,
            Some(Finished::Refused) => {
                let why = "the job's result cannot be stored; see the worker's log";
                let end = Finish::End(ended(Ending::Dead, Duration::ZERO, Some(why)));
                self.end(fence.worker, end).await;
                "dead"
            }
            Some(Finished::Stale | Finished::Busy) | None => {
                metrics::counter!("tradeyard_stale_attempts_total").increment(1);
                "stale"
            }
        }
    }

    fn after_failure(attempt: &Attempt, retry: Retry, decision: &Decision) -> (Ending, Duration) {
        let number = u32::try_from(attempt.number).unwrap_or(1);
        match decision {
            Decision::Cancel => (Ending::Cancelled, Duration::ZERO),
            Decision::Dead => (Ending::Dead, Duration::ZERO),
            Decision::Retry | Decision::RetryAfter(_) => {
                match (retry.after(number, attempt.due_at, attempt.now(), rand::random()), decision) {
                    (Some(_), Decision::RetryAfter(delay)) => (Ending::Retry, *delay),
                    (Some(delay), _) => (Ending::Retry, delay),
                    (None, _) => (Ending::Dead, Duration::ZERO),
                }
            }
        }
    }

    /// Stores what the handler logged so far.
    pub(crate) async fn save_lines(&self, attempt: &Attempt) {
        let lines = attempt.take_lines();
        if lines.is_empty() {
            return;
        }
        // Without an answer the process ends.
        self.logs.ask(Logged { job: attempt.fence.job, attempt: attempt.number, lines }).await;
    }
}

/// Every hand-over counts an epoch, and every attempt one of these: the difference rises with each hand-over for nothing.
fn unknown_comes_again(epoch: i32, attempt: i32) -> Duration {
    let for_nothing = u32::try_from(epoch.saturating_sub(attempt)).unwrap_or(0);
    let (first, most) = UNKNOWN_COMES_AGAIN;
    first.saturating_mul(2_u32.saturating_pow(for_nothing)).min(most)
}
