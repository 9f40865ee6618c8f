//! The scheduler: dispatches due jobs to the brokers, fires schedules, takes jobs back from dead workers, and sends again what
//! a broker lost. Any number of schedulers run side by side; each queue has one dispatcher at a time.

pub mod dispatch;
pub mod gauges;
pub mod reap;
pub mod reconcile;
pub mod tick;

use std::sync::Arc;
use std::time::Duration;

use shared::config::Config;
use shared::program::{self, Health};
use shared::telemetry::Readiness;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ledger::connections::{Connections, within};
use crate::ledger::queue_settings;
use crate::ready::transports_answer;
use crate::registry::Registry;
use crate::schedule::store::Declarations;
use crate::transport::Brokers;

/// How long statements of the scheduler may take: past that their connection is given up. A host that has vanished answers nothing.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// What every part of the scheduler works with.
#[derive(Clone, Debug)]
pub struct Scheduler {
    pub pool: PgPool,
    /// What the scheduler's own statements run on.
    pub(crate) db: Connections,
    pub brokers: Brokers,
    pub registry: Arc<Registry>,
    /// Names this process among the schedulers: host, pid and a random part.
    pub name: String,
    /// Learns whether this scheduler is set up and its brokers are there.
    pub health: Health,
}

impl Scheduler {
    /// Makes a scheduler for the kinds of `registry` from the settings; nothing is contacted yet.
    pub fn connect(config: &Config, registry: Registry) -> anyhow::Result<Self> {
        let pool = crate::engine_pool(config, "scheduler")?;
        let brokers = Brokers::connect(config, pool.clone());
        Self::new(pool, brokers, registry)
    }

    /// Makes a scheduler from what is there already. A schedule that is wrong is refused here, before anything starts.
    pub fn new(pool: PgPool, brokers: Brokers, registry: Registry) -> anyhow::Result<Self> {
        Declarations::of(&registry)?;
        let name = format!("{}-{}-{:08x}", program::host(), std::process::id(), rand::random::<u32>());
        Ok(Self::over(pool, brokers, Arc::new(registry), name))
    }

    /// Tells `health` whether this scheduler is set up and its brokers are there.
    #[must_use]
    pub fn with_health(self, health: Health) -> Self {
        Self { health, ..self }
    }

    pub(crate) fn over(pool: PgPool, brokers: Brokers, registry: Arc<Registry>, name: String) -> Self {
        Self { db: Connections::like(&pool), pool, brokers, registry, name, health: Health::default() }
    }

    /// Runs every part until `shutdown`, then gives its queues to the other schedulers.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let up = CancellationToken::new();
        self.health.add(set_up_ready(up.clone()));
        self.health.add(transports_answer(self.brokers.clone(), &self.pool, self.registry.queues()));
        while let Err(error) = self.set_up().await {
            tracing::warn!(%error, "cannot set the queues up yet; trying again");
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        up.cancel();
        let dispatcher = dispatch::Dispatcher::new(&self);
        let tasks = TaskTracker::new();
        tasks.spawn(reconcile::run(self.clone(), dispatcher.clone(), shutdown.clone()));
        tasks.spawn(tick::Ticker::new(self.pool.clone(), Arc::clone(&self.registry))?.run(shutdown.clone()));
        tasks.spawn(gauges::run(self.clone(), dispatcher.clone(), shutdown.clone()));
        tasks.spawn(reap::run(self.clone(), dispatcher.clone(), shutdown.clone()));
        tasks.spawn(dispatcher.run(shutdown.clone()));
        tasks.close();
        tasks.wait().await;
        Ok(())
    }

    /// Adds rows for queues that the ledger does not know yet.
    async fn set_up(&self) -> Result<(), sqlx::Error> {
        within(LIMIT, async {
            let mut conn = self.db.lend().await?;
            queue_settings::set_up(&mut conn, &self.registry.queues(), &self.brokers.transports()).await?;
            conn.give_back();
            Ok(())
        })
        .await
    }
}

fn set_up_ready(up: CancellationToken) -> Readiness {
    Arc::new(move || {
        let up = up.is_cancelled();
        Box::pin(async move { if up { Ok(()) } else { Err("the queues are not set up yet".to_owned()) } })
    })
}

#[cfg(test)]
mod tests;
