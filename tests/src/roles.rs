//! The worker and the scheduler of these tests, run in this process or as processes of their own.

use std::time::Duration;

use queue::Ledger;
use queue::fast_path::FastPath;
use queue::scheduler::Scheduler;
use queue::transport::Brokers;
use queue::worker::{Handlers, Process, WorkerOptions};
use shared::config::Config;
use shared::program::Signals;
use tokio_util::sync::CancellationToken;

use crate::touch::{Flaky, QUEUE, Tick, Touch, Urgent, registry};

/// How long a worker's jobs may go on after it was asked to stop, unless a test says otherwise.
pub const GRACE: Duration = Duration::from_secs(10);

/// Runs a worker until its signals stop it.
pub async fn worker(config: &Config, concurrency: usize, grace: Duration, signals: Signals) -> anyhow::Result<()> {
    let options = WorkerOptions { concurrency, grace, ..WorkerOptions::new("tests") };
    let process = Process { health: signals.health, ..worker_process(config, options)? };
    process.run(signals.stop, signals.kill).await
}

/// A worker that has not started, with a handler for every kind of these tests.
pub fn worker_process(config: &Config, options: WorkerOptions) -> anyhow::Result<Process<()>> {
    let engine_pool = queue::engine_pool(config, "worker")?;
    let brokers = Brokers::connect(config, engine_pool.clone());
    let handlers = Handlers::default().with::<Touch>().with::<Urgent>().with::<Flaky>().with::<Tick>();
    Ok(Process::new(engine_pool, brokers, handlers, (), options))
}

/// Runs a scheduler until its signals stop it.
pub async fn scheduler(config: &Config, signals: Signals) -> anyhow::Result<()> {
    Scheduler::connect(config, registry())?.with_health(signals.health).run(signals.stop).await
}

/// A ledger that publishes after its commits, as the API's does, and its fast path.
pub fn ledger(config: &Config, stop: &CancellationToken) -> anyhow::Result<(Ledger, FastPath)> {
    let pool = shared::db::pool(&config.database.url, 10, "enqueue")?;
    let brokers = Brokers::connect(config, pool.clone());
    let path = FastPath::open(&pool, brokers, vec![QUEUE], stop.clone());
    Ok((Ledger::new(pool).with_fast_path(path.clone()), path))
}
