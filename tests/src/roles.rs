//! A worker and a scheduler of these tests, run in this process or as a process of their own.

use std::sync::Arc;
use std::time::Duration;

use jobs::Ledger;
use jobs::broker::Brokers;
use jobs::kit::fast_path::FastPath;
use jobs::kit::worker::{Handlers, Process, WorkerOptions};
use scheduler::Scheduler;
use shared::clock::Clock;
use shared::config::Config;
use tokio_util::sync::CancellationToken;

use crate::touch::{QUEUE, Touch, Urgent, registry};

/// Runs a worker until `stop`; `kill` ends its grace period.
pub async fn worker(
    config: &Config,
    concurrency: usize,
    stop: CancellationToken,
    kill: CancellationToken,
) -> anyhow::Result<()> {
    let engine_pool = jobs::kit::engine_pool(config, "worker")?;
    let process = Process {
        ledger: Ledger::new(engine_pool.clone()),
        brokers: Brokers::connect(config, engine_pool.clone()),
        engine_pool,
        handlers: Handlers::default().with::<Touch>().with::<Urgent>(),
        services: Arc::new(()),
        options: WorkerOptions {
            pool: "tests".to_owned(),
            concurrency,
            grace: Duration::from_secs(10),
            host: "tests".to_owned(),
            version: "tests".to_owned(),
        },
        clock: Clock::SYSTEM,
    };
    process.run(stop, kill).await
}

/// Runs a scheduler until `stop`.
pub async fn scheduler(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let scheduler = Scheduler { registry: Arc::new(registry()), ..Scheduler::connect(config)? };
    scheduler.run(stop).await
}

/// A ledger that publishes after its commits, as the API's does, and its fast path.
pub fn ledger(config: &Config, stop: &CancellationToken) -> anyhow::Result<(Ledger, FastPath)> {
    let pool = shared::db::pool(&config.database.url, 10, "enqueue")?;
    let brokers = Brokers::connect(config, pool.clone());
    let path = FastPath::open(pool.clone(), brokers, vec![QUEUE], stop.clone());
    Ok((Ledger::new(pool).with_fast_path(path.clone()), path))
}
