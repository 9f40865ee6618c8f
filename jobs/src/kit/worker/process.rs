//! The life of a worker process, from registration to shutdown.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use shared::clock::Clock;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, service_fn};

use super::engine::Engine;
use super::handlers::Handlers;
use super::layers::{Dispatch, GuardLayer, Handover, LedgerLayer, TraceLayer};
use super::lease::{HEARTBEAT, Lease, Registration, StopReason, cancelling, register, renew, stop};
use super::statements::persist;
use super::supervise;
use crate::broker::{Brokers, Deliver, Message};
use crate::kit::job::Queue;
use crate::kit::ledger::claim::release;
use crate::kit::ledger::finish::{self, Ended, Ending};
use crate::kit::ledger::{Ledger, Ticket};

/// How a pool's process is run.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The pool's name, such as `emails`.
    pub pool: String,
    /// How many jobs of each queue run at once.
    pub concurrency: usize,
    /// How long running jobs may take to end after a shutdown was asked for.
    pub grace: Duration,
    pub host: String,
    pub version: String,
}

/// A worker process in the making.
pub struct Process<S> {
    pub engine_pool: PgPool,
    pub ledger: Ledger,
    pub brokers: Brokers,
    pub handlers: Handlers<S>,
    pub services: Arc<S>,
    pub options: WorkerOptions,
    pub clock: Clock,
}

impl<S> Debug for Process<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<S: Send + Sync + 'static> Process<S> {
    /// Runs until `shutdown`, then lets running jobs end within the grace period; `kill` ends the grace at once.
    pub async fn run(self, shutdown: CancellationToken, kill: CancellationToken) -> anyhow::Result<()> {
        let handlers = self.handlers.checked()?;
        let queues = handlers.queues();
        let registration = Registration {
            name: format!("{}-{}-{}", self.options.pool, self.options.host, std::process::id()),
            pool: self.options.pool.clone(),
            host: self.options.host.clone(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            version: self.options.version.clone(),
            queues: queues.iter().map(|queue| queue.name.to_owned()).collect(),
            kinds: handlers.kinds(),
            concurrency: i32::try_from(self.options.concurrency).unwrap_or(i32::MAX),
        };
        let gone = CancellationToken::new();
        let lease = Lease::default();
        let pool = self.engine_pool.clone();
        let registered = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            registered = persist(&kill, "register", || async { register(&mut *pool.acquire().await?, &registration).await }) => registered,
        };
        let Some(registered) = registered else { return Ok(()) };
        lease.set(registered?);
        let engine = Arc::new(Engine::start(
            pool.clone(),
            self.ledger.clone(),
            lease.clone(),
            handlers,
            self.clock.clone(),
            gone.clone(),
        ));
        let beating = CancellationToken::new();
        let heartbeat = tokio::spawn(heartbeat(Arc::clone(&engine), pool.clone(), registration, beating.clone()));
        let jobs = TaskTracker::new();
        let consumers: Vec<_> = queues
            .iter()
            .map(|&queue| {
                let deliver = deliver(&engine, &self.services, queue, self.options.concurrency, &jobs, &shutdown);
                tokio::spawn(supervise::consume(
                    self.brokers.clone(),
                    pool.clone(),
                    queue,
                    self.options.concurrency,
                    deliver,
                    shutdown.clone(),
                ))
            })
            .collect();
        shutdown.cancelled().await;
        tracing::info!(worker.running = engine.running.len(), "shutting down: no new jobs");
        jobs.close();
        tokio::select! {
            () = jobs.wait() => {}
            () = tokio::time::sleep(self.options.grace) => {}
            () = kill.cancelled() => {}
        }
        engine.running.stop_all(StopReason::Shutdown);
        let last = Duration::from_secs(if kill.is_cancelled() { 1 } else { 5 });
        if tokio::time::timeout(last, jobs.wait()).await.is_err() {
            tracing::warn!(worker.running = engine.running.len(), "jobs are left; the reaper gives them to others");
        }
        for consumer in consumers {
            consumer.abort();
        }
        beating.cancel();
        let _ = heartbeat.await;
        gone.cancel();
        let worker = lease.worker();
        let said = async { stop(&mut *pool.acquire().await?, worker).await };
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(2), said).await {
            tracing::warn!(%error, "could not sign off; the lease will run out");
        }
        Ok(())
    }
}

/// What a consumer of this queue does with a message: each ticket waits for room, then becomes a task of its own.
fn deliver<S: Send + Sync + 'static>(
    engine: &Arc<Engine<S>>,
    services: &Arc<S>,
    queue: Queue,
    concurrency: usize,
    jobs: &TaskTracker,
    shutdown: &CancellationToken,
) -> Deliver {
    let room = Arc::new(Semaphore::new(concurrency.max(1)));
    let job = ServiceBuilder::new()
        .layer(LedgerLayer(Arc::clone(engine)))
        .layer(TraceLayer)
        .layer(GuardLayer)
        .service(Dispatch(Arc::clone(services)));
    let (engine, jobs, shutdown, pool) = (Arc::clone(engine), jobs.clone(), shutdown.clone(), engine.pool.clone());
    let run = metrics::histogram!("tradeyard_job_run_seconds", "queue" => queue.name);
    BoxCloneSyncService::new(service_fn(move |message: Message| {
        let (engine, jobs, shutdown, pool, room, job, run) = (
            Arc::clone(&engine),
            jobs.clone(),
            shutdown.clone(),
            pool.clone(),
            Arc::clone(&room),
            job.clone(),
            run.clone(),
        );
        async move {
            let mut takes = Vec::with_capacity(message.0.len());
            for (place, &ticket) in message.0.iter().enumerate() {
                let permit = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => None,
                    permit = Arc::clone(&room).acquire_owned() => permit.ok(),
                };
                let Some(permit) = permit else {
                    give_back(&pool, &message.0[place..]).await;
                    break;
                };
                let (taken, was_taken) = oneshot::channel();
                takes.push(was_taken);
                let (mut job, engine, run) = (job.clone(), Arc::clone(&engine), run.clone());
                jobs.spawn(async move {
                    let started = std::time::Instant::now();
                    let Ok(()) = job.call(Handover { ticket, taken }).await;
                    let took = started.elapsed();
                    run.record(took.as_secs_f64());
                    engine.ran(queue.name, took);
                    drop(permit);
                });
            }
            for take in takes {
                // A dropped sender means that the job's task is gone; the ledger knows what became of it.
                let _ = take.await;
            }
            Ok::<(), Infallible>(())
        }
    }))
}

/// Tickets that this process will not claim any more go back in line at once.
async fn give_back(pool: &PgPool, tickets: &[Ticket]) {
    let released = async { release(&mut *pool.acquire().await?, tickets).await };
    if let Err(error) = released.await {
        tracing::warn!(%error, "could not give tickets back; the reconciler will");
    }
}

/// Renews the lease, looks for cancellations, and stores log lines of long jobs. Has a task of its own.
async fn heartbeat<S: Send + Sync + 'static>(
    engine: Arc<Engine<S>>,
    pool: PgPool,
    registration: Registration,
    stop: CancellationToken,
) {
    let mut every = tokio::time::interval(HEARTBEAT);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut beats: u32 = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        beats = beats.wrapping_add(1);
        if let Err(error) = beat(&engine, &pool, &registration, beats).await {
            tracing::warn!(%error, "heartbeat failed");
        }
    }
}

async fn beat<S: Send + Sync + 'static>(
    engine: &Engine<S>,
    pool: &PgPool,
    registration: &Registration,
    beats: u32,
) -> Result<(), sqlx::Error> {
    let worker = engine.lease.worker();
    let mut conn = pool.acquire().await?;
    let running = i32::try_from(engine.running.len()).unwrap_or(i32::MAX);
    if !renew(&mut conn, worker, running, &engine.run_means()).await? {
        tracing::error!(worker.id = worker, "the lease is lost: stopping what runs and starting over");
        metrics::counter!("tradeyard_lease_losses_total").increment(1);
        // New claims must already carry the new id when the old attempts are told to stop.
        engine.lease.set(register(&mut conn, registration).await?);
        engine.running.stop_all(StopReason::LeaseLost);
        return Ok(());
    }
    let cancelled = cancelling(&mut conn, worker).await?;
    engine.running.stop(&cancelled, StopReason::Cancelled);
    if beats.is_multiple_of(10) {
        give_up_lost_claims(engine, &mut conn, worker).await?;
    }
    drop(conn);
    for attempt in engine.running.with_unsaved_lines() {
        engine.save_lines(&attempt).await;
    }
    Ok(())
}

/// A claim whose answer was lost on the way left a job running that nobody runs: give it back.
async fn give_up_lost_claims<S: Send + Sync + 'static>(
    engine: &Engine<S>,
    conn: &mut sqlx::PgConnection,
    worker: i64,
) -> Result<(), sqlx::Error> {
    let queues: Vec<String> = engine.handlers.queues().iter().map(|queue| queue.name.to_owned()).collect();
    let held = super::lease::held_since(conn, worker, &queues, Duration::from_secs(5)).await?;
    let lost: Vec<Ended> = held
        .into_iter()
        .filter(|(ticket, _)| !engine.running.holds(*ticket))
        .map(|(ticket, started_at)| Ended {
            job: ticket.job,
            epoch: ticket.epoch,
            ending: Ending::Returned,
            delay: 0.0,
            error: Some("the answer to the claim was lost".to_owned()),
            fingerprint: None,
            started_at,
        })
        .collect();
    if !lost.is_empty() {
        tracing::warn!(jobs = lost.len(), "giving back jobs whose claim was never answered");
        finish::end(conn, worker, &lost).await?;
    }
    Ok(())
}
