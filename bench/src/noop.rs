//! The job that is measured: it does nothing, so that only the queue's own cost is left.

use std::time::Duration;

use queue::fast_path::FastPath;
use queue::registry::{KindInfo, Registry};
use queue::scheduler::Scheduler;
use queue::transport::Brokers;
use queue::transport::Transport;
use queue::worker::{Handlers, Process, WorkerOptions};
use queue::{Cx, Handler, Job, Kind, Ledger, Outcome, Queue};
use serde::{Deserialize, Serialize};
use shared::config::Config;
use tokio_util::sync::CancellationToken;

pub(crate) const QUEUE: Queue = Queue { name: "bench", pool: "bench", transport: Transport::Redis };

/// Does nothing, however often it runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Noop {
    pub(crate) n: i64,
}

impl Job for Noop {
    const KIND: Kind = Kind::new("bench.noop");
    const QUEUE: Queue = QUEUE;
}

impl Handler<()> for Noop {
    async fn run(self, _: &Cx<()>) -> anyhow::Result<Outcome> {
        Ok(Outcome::Done)
    }
}

/// The worker process of the benchmark: the real engine with this one handler.
pub(crate) async fn worker(config: &Config, concurrency: usize, stop: CancellationToken) -> anyhow::Result<()> {
    let engine_pool = queue::engine_pool(config, "bench-worker")?;
    let brokers = Brokers::connect(config, engine_pool.clone());
    let options = WorkerOptions { concurrency, grace: Duration::from_secs(1), ..WorkerOptions::new("bench") };
    let process = Process::new(engine_pool, brokers, Handlers::default().with::<Noop>(), (), options);
    process.run(stop, CancellationToken::new()).await
}

/// The scheduler process of the benchmark.
pub(crate) async fn scheduler(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let scheduler = Scheduler::connect(config, registry()?)?;
    scheduler.run(stop).await
}

/// A ledger whose enqueues take the fast path, as the API's does.
pub(crate) fn ledger(config: &Config, stop: &CancellationToken) -> anyhow::Result<Ledger> {
    let pool = shared::db::pool(&config.database.url, 20, "bench-enqueue")?;
    let brokers = Brokers::connect(config, pool.clone());
    let path = FastPath::open(&pool, brokers, vec![QUEUE], stop.clone());
    Ok(Ledger::new(pool).with_fast_path(path))
}

fn registry() -> anyhow::Result<Registry> {
    Ok(Registry::new([KindInfo::of::<Noop>()])?)
}
