//! The way of one job through a worker: claim, trace, guard, handler, finish. Every job takes it, whatever carried its ticket.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::engine::{Call, Engine};
use super::handlers::Verdict;
use super::run_times::RunTimes;
use super::running::StopCell;
use crate::cx::Cx;
use crate::outcome::Decision;
use crate::ticket::Ticket;

/// How long a handler that was told to stop may take to end by itself.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Runs the job that `ticket` names, unless the ticket is stale. `taken` resolves (or is dropped) when the job is claimed or the
/// ticket found stale: the broker's message has then done its work.
pub(crate) async fn run<S: Send + Sync + 'static>(
    engine: &Engine<S>,
    services: Arc<S>,
    ticket: Ticket,
    taken: oneshot::Sender<()>,
) {
    let claimed = engine.claim(ticket).await;
    // A receiver that is gone needs no answer.
    let _ = taken.send(());
    let Some(claimed) = claimed else { return };
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
    let guarded = guard(handler, entry.timeout, &stop, &engine.run_times, entry.queue.name);
    let verdict = trace.scope(guarded).instrument(span).await;
    engine.finish(&attempt, entry.kind, entry.retry, started_at, verdict).await;
}

/// Turns panics, time-outs and stops into verdicts: whatever a handler does, the worker goes on.
async fn guard(
    handler: impl Future<Output = Verdict> + Send,
    limit: Duration,
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
        () = stop.told.cancelled() => None,
        () = tokio::time::sleep(limit) => {
            stop.told.cancel();
            None
        }
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => tokio::time::timeout(STOP_GRACE, running).await.ok(),
    };
    times.ran(queue, started.elapsed());
    match (ended, stop.reason()) {
        (Some(Ok(Verdict::Failed(..))) | None, Some(reason)) => Verdict::Stopped(reason),
        (Some(Ok(verdict)), _) => verdict,
        (Some(Err(panic)), _) => {
            Verdict::Failed(anyhow::anyhow!("the handler panicked: {}", panic_text(&*panic)), Decision::Retry)
        }
        (None, None) => Verdict::Failed(anyhow::anyhow!("the attempt took longer than {limit:?}"), Decision::Retry),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
