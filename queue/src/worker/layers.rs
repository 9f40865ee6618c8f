//! The tower layers that every job passes, from the outside in: ledger, trace, guard, handler.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tower::{Layer, Service};
use tracing::Instrument;

use super::engine::Engine;
use super::handlers::{Entry, Verdict};
use super::lease::StopCell;
pub use super::lease::StopReason;
use super::run_times::RunTimes;
use crate::cx::{Attempt, Cx};
use crate::ledger::claim::Claimed;
use crate::outcome::Decision;
use crate::ticket::Ticket;

/// How long a handler that was told to stop may take to end by itself.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// A ticket that came with a message. `taken` resolves (or is dropped) when the job is claimed or found stale.
#[derive(Debug)]
pub struct Handover {
    pub ticket: Ticket,
    pub taken: oneshot::Sender<()>,
}

/// A claimed job on its way to its handler.
pub struct Call<S> {
    pub claimed: Claimed,
    pub(crate) entry: Entry<S>,
    pub(crate) attempt: Arc<Attempt>,
    pub(crate) stop: StopCell,
}

impl<S> std::fmt::Debug for Call<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("claimed", &self.claimed).finish_non_exhaustive()
    }
}

/// Claims the job before the inner service runs and finishes it afterwards, both in groups.
#[derive(Debug)]
pub struct LedgerLayer<S>(pub Arc<Engine<S>>);

impl<S, N> Layer<N> for LedgerLayer<S> {
    type Service = LedgerService<S, N>;
    fn layer(&self, inner: N) -> Self::Service {
        LedgerService { engine: Arc::clone(&self.0), inner }
    }
}

#[derive(Debug)]
pub struct LedgerService<S, N> {
    engine: Arc<Engine<S>>,
    inner: N,
}

impl<S, N: Clone> Clone for LedgerService<S, N> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), inner: self.inner.clone() }
    }
}

impl<S, N> Service<Handover> for LedgerService<S, N>
where
    S: Send + Sync + 'static,
    N: Service<Call<S>, Response = Verdict, Error = Infallible> + Clone + Send + 'static,
    N::Future: Send,
{
    type Response = ();
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, handover: Handover) -> Self::Future {
        let engine = Arc::clone(&self.engine);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let claimed = engine.claim(handover.ticket).await;
            // Claimed or stale: either way the broker's message has done its work.
            let _ = handover.taken.send(());
            let Some(claimed) = claimed else { return Ok(()) };
            let Some(call) = engine.prepare(claimed).await else { return Ok(()) };
            let (attempt, kind, retry, started_at) =
                (Arc::clone(&call.attempt), call.entry.kind, call.entry.retry, call.claimed.started_at);
            let Ok(verdict) = inner.call(call).await;
            engine.finish(&attempt, kind, retry, started_at, verdict).await;
            Ok(())
        })
    }
}

/// Runs the handler inside the job's trace: a child of the span that enqueued it, and a log span with the job's name.
#[derive(Clone, Copy, Debug)]
pub struct TraceLayer;

impl<N> Layer<N> for TraceLayer {
    type Service = TraceService<N>;
    fn layer(&self, inner: N) -> Self::Service {
        TraceService(inner)
    }
}

#[derive(Clone, Debug)]
pub struct TraceService<N>(N);

impl<S, N> Service<Call<S>> for TraceService<N>
where
    N: Service<Call<S>, Response = Verdict, Error = Infallible>,
    N::Future: Send + 'static,
{
    type Response = Verdict;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Verdict, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call<S>) -> Self::Future {
        let trace = call.attempt.trace;
        let span = tracing::info_span!(
            "job",
            job.id = call.claimed.ticket.job.0,
            job.kind = call.entry.kind,
            job.attempt = call.claimed.attempt,
            trace.id = tracing::field::Empty,
        );
        if !span.is_disabled() {
            span.record("trace.id", trace.trace_id_hex());
        }
        Box::pin(trace.scope(self.0.call(call)).instrument(span))
    }
}

/// Turns panics, time-outs and stops into verdicts: whatever a handler does, the worker goes on.
#[derive(Clone, Debug)]
pub struct GuardLayer(pub RunTimes);

impl<N> Layer<N> for GuardLayer {
    type Service = GuardService<N>;
    fn layer(&self, inner: N) -> Self::Service {
        GuardService { inner, times: self.0.clone() }
    }
}

#[derive(Clone, Debug)]
pub struct GuardService<N> {
    inner: N,
    times: RunTimes,
}

impl<S, N> Service<Call<S>> for GuardService<N>
where
    N: Service<Call<S>, Response = Verdict, Error = Infallible>,
    N::Future: Send + 'static,
{
    type Response = Verdict;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Verdict, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call<S>) -> Self::Future {
        let (limit, queue, stop) = (call.entry.timeout, call.entry.queue.name, call.stop.clone());
        let times = self.times.clone();
        let running = AssertUnwindSafe(self.inner.call(call)).catch_unwind();
        Box::pin(async move {
            let started = Instant::now();
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
            Ok(match (ended, stop.reason()) {
                (Some(Ok(Ok(Verdict::Failed(..)))) | None, Some(reason)) => Verdict::Stopped(reason),
                (Some(Ok(Ok(verdict))), _) => verdict,
                (Some(Err(panic)), _) => {
                    Verdict::Failed(anyhow::anyhow!("the handler panicked: {}", panic_text(&*panic)), Decision::Retry)
                }
                (None, None) => {
                    Verdict::Failed(anyhow::anyhow!("the attempt took longer than {limit:?}"), Decision::Retry)
                }
            })
        })
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The innermost service: the pool's handler for the job's kind.
#[derive(Debug)]
pub struct Dispatch<S>(pub Arc<S>);

impl<S> Clone for Dispatch<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Send + Sync + 'static> Service<Call<S>> for Dispatch<S> {
    type Response = Verdict;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Verdict, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<S>) -> Self::Future {
        let cx = Cx::new(call.attempt, Arc::clone(&self.0));
        // The async block defers the handler's own start, so that a panic in it is caught with the rest.
        let run = Arc::clone(&call.entry.run);
        Box::pin(async move { Ok(run(call.claimed.version, call.claimed.payload, cx).await) })
    }
}
