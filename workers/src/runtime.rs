//! The body of every worker program: reads the settings, connects, serves health, and runs the pool
//! until it is asked to stop.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use jobs::queues;
use queue::Ledger;
use queue::fast_path::FastPath;
use queue::transport::Brokers;
use queue::worker::{Process, WorkerOptions};
use shared::clock::Clock;
use shared::config::{Config, Key, keys};
use shared::db::Limits;
use shared::program::{self, Signals};
use shared::realtime::Publisher;
use sqlx::PgPool;

use crate::{Services, pools};

/// A worker program's arguments; each has a setting as well.
#[derive(Clone, Debug, Parser)]
#[command(version, about = "Runs one pool of Tradeyard's workers until it gets SIGTERM.")]
struct Args {
    /// How many jobs of each queue run at once; the setting `CONCURRENCY` unless given, and what suits the pool unless that is.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=2000))]
    concurrency: Option<u16>,
    /// Seconds that running jobs may take to end after SIGTERM; a second SIGTERM ends them at once. The setting `GRACE_SECONDS`
    /// unless given.
    #[arg(long)]
    grace: Option<u64>,
}

/// The whole of a worker program: `fn main() -> ExitCode { workers::runtime::main("emails") }`.
#[must_use]
pub fn main(pool: &'static str) -> ExitCode {
    let args = Args::parse();
    // No other worker has it, in its environment or in its memory.
    let needed: &[Key] = if pool == queues::CHAT.pool { &[keys::CHAT_KEY] } else { &[] };
    program::main(&format!("worker-{pool}"), needed, async move |config: Config, signals: Signals| {
        let concurrency = args.concurrency.or(config.workers.concurrency).unwrap_or_else(|| pools::concurrency(pool));
        let grace = args.grace.map_or(config.workers.grace, Duration::from_secs);
        run(pool, &config, concurrency.into(), grace, signals).await
    })
}

/// Runs a pool until `signals` ask it to stop; the `cargo` pool also consumes the events lane.
pub async fn run(
    pool: &str,
    config: &Config,
    concurrency: usize,
    grace: Duration,
    signals: Signals,
) -> anyhow::Result<()> {
    let handlers = pools::handlers(pool).with_context(|| format!("there is no pool {pool}"))?;
    let db = handlers_connections(config, pool)?;
    let engine_pool = queue::engine_pool(config, pool)?;
    let brokers = Brokers::connect(config, engine_pool.clone());
    let queues = jobs::registry()?.queues();
    let fast_path = FastPath::open(&engine_pool, brokers.clone(), queues, signals.stop.clone());
    let publisher = Publisher::start(config.redis_url.as_ref(), &config.namespace)?;
    let services = Services::of_pool(pool, config)?;
    let ledger = Ledger::new(db).with_fast_path(fast_path).with_publisher(publisher);
    let lane = (pool == "cargo").then(|| crate::cargo::Settings::new(config)).flatten();
    let lane = lane.map(|lane| {
        let settings = lane.telling(&ledger);
        tokio::spawn(crate::cargo::run(settings, services.events.clone(), signals.stop.clone()))
    });
    let process = Process {
        engine_pool,
        ledger: ledger.clone(),
        brokers,
        handlers,
        services: Arc::new(services),
        options: WorkerOptions {
            pool: pool.to_owned(),
            concurrency,
            grace,
            host: program::host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        clock: Clock::SYSTEM,
        health: signals.health,
    };
    process.run(signals.stop, signals.kill).await?;
    if let Some(lane) = lane {
        // The events in hand are written first; those not yet acknowledged are delivered again.
        tokio::time::timeout(grace, lane).await.context("the events lane did not end in time")???;
    }
    ledger.drained().await;
    Ok(())
}

/// What the transactions of handlers run on.
fn handlers_connections(config: &Config, pool: &str) -> Result<PgPool, sqlx::Error> {
    shared::db::pool_within(&config.database.url, Limits::WORKING, config.database.connections, pool)
}

#[cfg(test)]
mod tests;
