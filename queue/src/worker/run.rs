//! The way of one job through a worker: claim, trace, guard, handler, finish. Every job takes it, whatever carried its ticket.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::engine::{Call, Engine};
use super::handlers::Verdict;
use super::run_times::RunTimes;
use super::running::StopCell;
use super::statements::Claim;
use crate::cx::{AskedToStop, Attempt, Cx};
use crate::outcome::Decision;
use crate::ticket::Ticket;

/// How long a handler that was asked to stop may take to end by itself.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// How soon a ticket is tried again whose job's row somebody holds, first and at most.
const BUSY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// One of the places in which a queue's jobs run, taken by one of them.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) room: Arc<Semaphore>,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    pub(crate) shutdown: CancellationToken,
}

impl Place {
    /// Leaves the place to others for a while; `false` when the worker shuts down meanwhile.
    async fn leave_for(&mut self, pause: Duration) -> bool {
        self.permit = None;
        let back = async {
            tokio::time::sleep(pause).await;
            Arc::clone(&self.room).acquire_owned().await.ok()
        };
        self.permit = tokio::select! {
            () = self.shutdown.cancelled() => None,
            permit = back => permit,
        };
        self.permit.is_some()
    }
}

/// Runs the job that `ticket` names, unless the ticket is stale. `taken` resolves (or is dropped) when the job is claimed, the ticket
/// found stale, or this process has to come back for it: the broker's message has then done its work.
pub(crate) async fn run<S: Send + Sync + 'static>(
    engine: &Engine<S>,
    services: Arc<S>,
    ticket: Ticket,
    taken: oneshot::Sender<()>,
    mut place: Place,
) {
    let mut claim = engine.claim(ticket).await;
    // A receiver that is gone needs no answer.
    let _ = taken.send(());
    let mut pause = BUSY.0;
    let claimed = loop {
        match claim {
            Claim::Held(claimed) => break claimed,
            Claim::Stale => return,
            Claim::Busy if place.leave_for(pause).await => {}
            Claim::Busy => {
                engine.release(&[ticket]).await;
                return;
            }
        }
        pause = (pause * 2).min(BUSY.1);
        claim = engine.claim(ticket).await;
    };
    let started_at = claimed.started_at;
    let Some(call) = engine.prepare(&claimed).await else { return };
    let Call { entry, attempt, stop } = call;
    let trace = attempt.trace;
    // A child of the span that enqueued the job.
    let span = tracing::info_span!(
        "job",
        job.id = ticket.job.0,
        job.kind = entry.kind,
        job.attempt = claimed.attempt,
        trace.id = tracing::field::Empty,
    );
    if !span.is_disabled() {
        span.record("trace.id", trace.trace_id_hex());
    }
    let cx = Cx::new(Arc::clone(&attempt), services);
    // The async block defers the handler's own start, so that a panic in it is caught with the rest.
    let handler = async { (entry.run)(claimed.version, claimed.payload, cx).await };
    let guarded = guard(handler, entry.timeout, &attempt, &stop, &engine.run_times, entry.queue.name);
    let verdict = trace.scope(guarded).instrument(span).await;
    engine.finish(&attempt, entry.kind, entry.retry, started_at, verdict).await;
}

/// Turns panics, time-outs and stops into verdicts: whatever a handler does, the worker goes on.
async fn guard(
    handler: impl Future<Output = Verdict> + Send,
    limit: Duration,
    attempt: &Attempt,
    stop: &StopCell,
    times: &RunTimes,
    queue: &'static str,
) -> Verdict {
    let started = Instant::now();
    let running = AssertUnwindSafe(handler).catch_unwind();
    tokio::pin!(running);
    let ended = tokio::select! {
        biased;
        ended = &mut running => Some(ended),
        () = stop.asked.cancelled() => None,
        () = time_is_up(limit, attempt) => {
            stop.asked.cancel();
            None
        }
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => loop {
            match tokio::time::timeout(STOP_GRACE, &mut running).await {
                Ok(ended) => break Some(ended),
                // What has happened must be recorded, or it would happen again. It ends by itself.
                Err(_) if attempt.recording.load(Ordering::Relaxed) => {}
                Err(_) => break None,
            }
        },
    };
    times.ran(queue, started.elapsed());
    let overran = || Verdict::Failed(anyhow::anyhow!("the attempt took longer than {limit:?}"), Decision::Retry);
    match (ended, stop.reason()) {
        (Some(Ok(Verdict::Failed(..))) | None, Some(reason)) => Verdict::Stopped(reason),
        (Some(Ok(Verdict::Failed(error, _))), None) if error.is::<AskedToStop>() => overran(),
        (Some(Ok(verdict)), _) => verdict,
        (Some(Err(panic)), _) => {
            Verdict::Failed(anyhow::anyhow!("the handler panicked: {}", panic_text(&*panic)), Decision::Retry)
        }
        (None, None) => overran(),
    }
}

/// Resolves when the attempt has had its time. Waiting for its turn with the database does not count.
async fn time_is_up(limit: Duration, attempt: &Attempt) {
    let mut prolonged = Duration::ZERO;
    tokio::time::sleep(limit).await;
    loop {
        let waited = attempt.connection.waited();
        if waited <= prolonged {
            return;
        }
        tokio::time::sleep(waited.saturating_sub(prolonged)).await;
        prolonged = waited;
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
