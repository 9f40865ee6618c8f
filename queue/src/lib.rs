//! A job queue whose ledger is PostgreSQL: contracts, transactional enqueue, dispatch over Redis, RabbitMQ or PostgreSQL
//! alone, fenced claims and finishes, schedules, and the functions that operators need. It knows nothing of the market.

pub mod cx;
pub mod enqueue;
pub mod error_text;
pub mod fast_path;
pub mod fault;
pub mod group;
pub mod job;
pub mod kept;
pub mod ledger;
mod migrations;
pub mod ops;
pub mod outcome;
pub mod ready;
pub mod registry;
pub mod retry;
pub mod schedule;
pub mod scheduler;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod ticket;
pub mod together;
pub mod transport;
pub mod unique;
pub mod worker;

/// Compiles the README's code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;

use secrecy::ExposeSecret;
use shared::config::Config;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

pub use cx::{AskedToStop, Cx, NotWanted, StaleAttempt};
pub use enqueue::{Enqueue, EnqueueError, Enqueued, Origin};
pub use job::{Handler, Job, Kind, Priority, Queue, Undecodable};
pub use ledger::reads::{ReadConnections, Reading};
pub use ledger::{JobTx, Ledger};
pub use migrations::{migrate, migrator};
pub use outcome::{Decision, Outcome};
pub use retry::Retry;
pub use unique::{OnConflict, Unique};

/// The most connections of an engine, unless `DATABASE_CONNECTIONS` says fewer.
const ENGINE_CONNECTIONS: u32 = 6;
/// The fewest, whatever it says: a statement that waits for a row must leave one to the heartbeat.
const FEWEST_CONNECTIONS: u32 = 2;

/// Connections for the engine's own grouped statements.
///
/// Every statement of the engine finds its rows by an index, whatever the statistics say of a table that fills and empties
/// by the second: on a freshly filled, unanalysed ledger the planner would go through all of it. So the other ways are closed.
pub fn engine_pool(config: &Config, name: &str) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = config.database.url.expose_secret().parse()?;
    let connections = config.database.connections.clamp(FEWEST_CONNECTIONS, ENGINE_CONNECTIONS);
    Ok(engine_pool_of(options, connections, name))
}

/// [`engine_pool`] for options that are already there.
#[must_use]
pub fn engine_pool_with(options: PgConnectOptions, name: &str) -> PgPool {
    engine_pool_of(options, ENGINE_CONNECTIONS, name)
}

fn engine_pool_of(options: PgConnectOptions, connections: u32, name: &str) -> PgPool {
    shared::db::pool_with(with_plans_kept(shared::db::Limits::ENGINE.apply(options)), connections, name)
}

/// Options for statements that are the same each time and find what they need by keys: their plans are kept, and read nothing but what
/// indexes find. See [`Ledger::begin_with_plans_kept`].
pub(crate) fn with_plans_kept(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ])
}

/// Options of [`engine_pool_with`], for statements that are not the engine's: one that reads much may need the ways that are closed there.
pub(crate) fn with_all_plans(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("enable_hashjoin", "on"), ("enable_mergejoin", "on"), ("plan_cache_mode", "auto")])
}
