//! The life of a worker process, from registration to shutdown.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use shared::clock::Clock;
use shared::db::Limits;
use shared::program::Health;
use shared::telemetry::Readiness;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

use super::engine::Engine;
use super::handlers::Handlers;
use super::heartbeat::Heartbeat;
use super::lease::Lease;
use super::neighbours::place;
use super::past_locks::LIMIT;
use super::run::{Place, run};
use super::running::StopReason;
use super::statements::persist;
use super::supervise;
use crate::ledger::Ledger;
use crate::ledger::connections::{Connections, within};
use crate::ledger::workers::{Registration, register, stop};
use crate::ready::transports_answer;
use crate::transport::{Brokers, Deliver, Message};
use crate::with_all_plans;

/// How long the consumers of a worker that shuts down may take to give back what they hold.
const CONSUMERS_END: Duration = Duration::from_secs(2);

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

impl WorkerOptions {
    /// Eight jobs of each queue at once and ten seconds of grace, on this machine.
    #[must_use]
    pub fn new(pool: &str) -> Self {
        Self {
            pool: pool.to_owned(),
            concurrency: 8,
            grace: Duration::from_secs(10),
            host: shared::program::host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
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
    /// Learns whether this worker is registered, its lease alive, and its brokers there.
    pub health: Health,
}

impl<S> Debug for Process<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<S: Send + Sync + 'static> Process<S> {
    /// A worker whose handlers' transactions run beside the engine's own statements, on as many connections to the same
    /// database as `engine_pool` has, with more time and all plans.
    #[must_use]
    pub fn new(
        engine_pool: PgPool,
        brokers: Brokers,
        handlers: Handlers<S>,
        services: S,
        options: WorkerOptions,
    ) -> Self {
        let options_of_handlers = with_all_plans(engine_pool.connect_options().as_ref().clone());
        let options_of_handlers = Limits::WORKING.apply(options_of_handlers);
        let connections = engine_pool.options().get_max_connections();
        Self {
            ledger: Ledger::new(shared::db::pool_with(options_of_handlers, connections, &options.pool)),
            engine_pool,
            brokers,
            handlers,
            services: Arc::new(services),
            options,
            clock: Clock::SYSTEM,
            health: Health::default(),
        }
    }

    /// Runs until `shutdown`, then lets running jobs end within the grace period; `kill` ends the grace at once.
    pub async fn run(self, shutdown: CancellationToken, kill: CancellationToken) -> anyhow::Result<()> {
        let handlers = self.handlers.checked()?;
        let queues = handlers.queues();
        let registration = Registration {
            name: format!("{}-{}-{}", self.options.pool, self.options.host, std::process::id()),
            pool: self.options.pool.clone(),
            host: self.options.host.clone(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            place: place(),
            version: self.options.version.clone(),
            queues: queues.iter().map(|queue| queue.name.to_owned()).collect(),
            kinds: handlers.kinds(),
            concurrency: i32::try_from(self.options.concurrency).unwrap_or(i32::MAX),
        };
        let gone = CancellationToken::new();
        let lease = Lease::default();
        let pool = self.engine_pool.clone();
        let db = Connections::like(&pool);
        self.health.add(lease_ready(&lease));
        self.health.add(transports_answer(self.brokers.clone(), &pool, queues.clone()));
        let registered = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            registered = persist(&kill, "register", || {
                within(LIMIT, async {
                    let mut conn = db.lend().await?;
                    let worker = register(&mut conn, &registration).await?;
                    conn.give_back();
                    Ok(worker)
                })
            }) => registered,
        };
        let Some(registered) = registered else { return Ok(()) };
        lease.set(registered?);
        let engine = Arc::new(Engine::start(
            db.clone(),
            self.ledger.clone(),
            lease.clone(),
            handlers,
            self.clock.clone(),
            gone.clone(),
        ));
        let beating = CancellationToken::new();
        let heartbeat = Heartbeat::new(Arc::clone(&engine), db.clone(), registration);
        let heartbeat = tokio::spawn(heartbeat.run(beating.clone()));
        let jobs = TaskTracker::new();
        let consumers: Vec<_> = queues
            .iter()
            .map(|&queue| {
                let deliver = deliver(&engine, &self.services, self.options.concurrency, &jobs, &shutdown);
                tokio::spawn(supervise::consume(
                    self.brokers.clone(),
                    db.clone(),
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
        let latest = tokio::time::Instant::now() + CONSUMERS_END;
        for mut consumer in consumers {
            // Messages in a consumer's buffer are given back as it ends; without that they wait until they are missed.
            if tokio::time::timeout_at(latest, &mut consumer).await.is_err() {
                consumer.abort();
            }
        }
        beating.cancel();
        let _ = heartbeat.await;
        gone.cancel();
        let worker = lease.worker();
        let said = async { stop(&mut *db.lend().await?, worker).await };
        if let Err(error) = within(Duration::from_secs(2), said).await {
            tracing::warn!(%error, "could not sign off; the lease will run out");
        }
        Ok(())
    }
}

fn lease_ready(lease: &Lease) -> Readiness {
    let lease = lease.clone();
    Arc::new(move || {
        let trusted = lease.is_trusted();
        Box::pin(async move { if trusted { Ok(()) } else { Err("the worker is not registered".to_owned()) } })
    })
}

/// What a queue's consumer does with a message: each ticket waits for room, then becomes a task of its own.
fn deliver<S: Send + Sync + 'static>(
    engine: &Arc<Engine<S>>,
    services: &Arc<S>,
    concurrency: usize,
    jobs: &TaskTracker,
    shutdown: &CancellationToken,
) -> Deliver {
    let room = Arc::new(Semaphore::new(concurrency.max(1)));
    let (engine, services) = (Arc::clone(engine), Arc::clone(services));
    let (jobs, shutdown) = (jobs.clone(), shutdown.clone());
    BoxCloneSyncService::new(service_fn(move |message: Message| {
        let (jobs, shutdown) = (jobs.clone(), shutdown.clone());
        let (engine, services, room) = (Arc::clone(&engine), Arc::clone(&services), Arc::clone(&room));
        async move {
            let mut takes = Vec::with_capacity(message.0.len());
            for (at, &ticket) in message.0.iter().enumerate() {
                let permit = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => None,
                    permit = Arc::clone(&room).acquire_owned() => permit.ok(),
                };
                let Some(permit) = permit else {
                    engine.release(&message.0[at..]).await;
                    break;
                };
                let (taken, was_taken) = oneshot::channel();
                takes.push(was_taken);
                let (engine, services) = (Arc::clone(&engine), Arc::clone(&services));
                let place = Place { room: Arc::clone(&room), permit: Some(permit), shutdown: shutdown.clone() };
                jobs.spawn(async move { run(&engine, services, ticket, taken, place).await });
            }
            for take in takes {
                // A dropped sender means that the job's task is gone; the ledger knows what became of it.
                let _ = take.await;
            }
            Ok::<(), Infallible>(())
        }
    }))
}
