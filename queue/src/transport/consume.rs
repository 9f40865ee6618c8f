//! The apalis side that the brokers share: how a body becomes a [`Message`] for a worker, and a backend for
//! brokers that bring a stream of bodies.
//!
//! # How to get this wrong
//! - Letting a panic or an undecodable body reach apalis: either ends the worker, and a poison message would do it for ever.
//! - Ending the stream without stopping the worker: apalis then waits for a stop that never comes.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use apalis::prelude::{Backend, ParallelizeExt, Task, TaskBuilder, WorkerBuilder, WorkerContext, WorkerError};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower::layer::util::Identity;
use tower::limit::ConcurrencyLimitLayer;

use super::{BrokerError, Consumer, Deliver, Message};
use crate::transport::Transport;

/// Decodes a body and waits until the worker has taken it over. Never fails: a body that is not a message of ours is
/// counted and forgotten, and so is a panic, because the ledger still has the jobs and the reconciler repeats them.
pub(super) async fn hand_over(transport: Transport, queue: &str, body: &[u8], deliver: Deliver) {
    let message = match Message::decode(body) {
        Ok(message) => message,
        Err(garbled) => {
            metrics::counter!("tradeyard_broker_garbled_total", "transport" => transport.name(), "queue" => queue.to_owned())
                .increment(1);
            // Not the content: it may be anybody's.
            tracing::warn!(
                broker.transport = transport.name(),
                job.queue = queue,
                bytes = body.len(),
                "{garbled}; dropped"
            );
            return;
        }
    };
    if AssertUnwindSafe(deliver.oneshot(message)).catch_unwind().await.is_err() {
        metrics::counter!("tradeyard_broker_delivery_panics_total", "transport" => transport.name(), "queue" => queue.to_owned())
            .increment(1);
        tracing::error!(broker.transport = transport.name(), job.queue = queue, "taking a message over panicked");
    }
}

/// Counts messages that this process has taken and not yet acknowledged.
#[derive(Clone, Debug, Default)]
pub(super) struct InHand(Arc<AtomicU64>);

impl InHand {
    pub(super) fn take(&self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(&self.0))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One message in hand.
#[derive(Debug)]
pub(super) struct Held(Arc<AtomicU64>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What must happen when a delivery has been taken over. Dropping it instead means that it was not.
pub(super) trait Ack: Send + Sync + 'static {
    fn delivered(self);
}

/// A body and its ack.
#[derive(Debug)]
pub(super) struct Delivery<R> {
    pub(super) body: Vec<u8>,
    pub(super) ack: R,
}

/// An apalis backend over a stream. The end of the stream stops the worker after the deliveries in hand.
pub(super) struct Feed<R>(BoxStream<'static, Result<Delivery<R>, BrokerError>>);

impl<R: Ack> Backend for Feed<R> {
    type Task = Task<Delivery<R>>;
    type Error = BrokerError;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), BrokerError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, BrokerError>>> {
        let next = futures::ready!(self.0.poll_next_unpin(cx));
        if next.is_none() {
            // It was running a moment ago, so that it can be stopped.
            let _ = worker.stop();
        }
        Poll::Ready(next.map(|delivery| delivery.map(|delivery| TaskBuilder::new(delivery).build())))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), BrokerError>> {
        Poll::Ready(Ok(()))
    }
}

impl<R: Ack> BackendConfig for Feed<R> {
    type Args = Delivery<R>;
    type Id = u64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}

/// Runs an apalis worker over `deliveries` until they end and those in hand have been taken over.
pub(super) fn work<R: Ack>(
    transport: Transport,
    consumer: &Consumer,
    deliveries: BoxStream<'static, Result<Delivery<R>, BrokerError>>,
    deliver: Deliver,
) -> BoxFuture<'static, Result<(), BrokerError>> {
    let queue: Arc<str> = consumer.queue.as_str().into();
    let worker = WorkerBuilder::new(consumer.name.as_str())
        .backend(Feed(deliveries))
        .layer(ConcurrencyLimitLayer::new(consumer.prefetch.max(1)))
        .parallelize(tokio::spawn)
        .build(move |delivery: Delivery<R>| {
            let (queue, deliver) = (Arc::clone(&queue), deliver.clone());
            async move {
                hand_over(transport, &queue, &delivery.body, deliver).await;
                delivery.ack.delivered();
                Ok::<(), Infallible>(())
            }
        });
    worker.run().map(move |ended| ended.map_err(|error| BrokerError::new(transport, error))).boxed()
}

/// Drives `run` until it ends by itself; at `stop` asks the worker to end and goes on driving it until it has.
pub(super) async fn until(
    stop: &CancellationToken,
    context: &WorkerContext,
    mut run: BoxFuture<'static, Result<(), WorkerError>>,
) -> Result<(), WorkerError> {
    tokio::select! {
        // First, so that the worker has started when it is stopped.
        biased;
        ended = &mut run => return ended,
        () = stop.cancelled() => {}
    }
    context.stop()?;
    run.await
}
