//! Connections to PostgreSQL, and the migrations.

pub mod session;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

/// The migrations, applied in the order of their numbers.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// How long a caller waits for a free connection before it is told that the system is busy.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool that connects when it is first used. `name` shows up in `pg_stat_activity`.
pub fn pool(url: &SecretString, connections: u32, name: &str) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    Ok(pool_with(options, connections, name))
}

/// [`pool`] for options that are already there.
pub fn pool_with(options: PgConnectOptions, connections: u32, name: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_mins(1))
        // A connection that was just used is trusted: asking it first would cost every statement a round trip.
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.application_name(name))
}

/// Asks whether the database answers.
pub async fn ping(pool: &PgPool) -> Result<(), sqlx::Error> {
    pool.acquire().await?.ping().await
}

/// Brings the schema up to date. Safe to call from several processes at once: sqlx takes an advisory lock.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATOR.run(pool).await
}
