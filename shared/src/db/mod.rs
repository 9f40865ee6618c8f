//! Connections to PostgreSQL, and the migrations.

pub mod grants;
pub mod role;
pub mod session;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

/// The migrations, applied in the order of their numbers.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// How long a caller waits for a free connection before it gets the answer that the system is busy.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection that returns to the pool may take to answer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// How long a statement may take, may wait for a lock, and may leave its transaction idle, before the server ends it: nobody
/// waits for ever, and nobody holds what others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub statement: Duration,
    pub lock: Duration,
    pub idle_in_transaction: Duration,
}

impl Limits {
    /// For requests, because somebody waits for the answer.
    pub const SERVING: Self = Self {
        statement: Duration::from_secs(20),
        lock: Duration::from_secs(5),
        idle_in_transaction: Duration::from_secs(10),
    };
    /// For the handlers of jobs, which have time limits of their own: a report may read for minutes, and a batch may wait for a
    /// busy row.
    pub const WORKING: Self = Self {
        statement: Duration::from_mins(10),
        lock: Duration::from_secs(20),
        idle_in_transaction: Duration::from_mins(2),
    };
    /// For the engine's own statements, which find their rows by an index and go past locked ones.
    pub const ENGINE: Self = Self {
        statement: Duration::from_secs(15),
        lock: Duration::from_millis(500),
        idle_in_transaction: Duration::from_secs(5),
    };

    /// These options, with the limits as the session's settings.
    ///
    /// Its statements find their rows by an index. A plan is kept as long as the connection, and one that was made while a table
    /// was small would go on to scan it when it has grown, until its statistics are taken again.
    #[must_use]
    pub fn apply(self, options: PgConnectOptions) -> PgConnectOptions {
        let millis = |time: Duration| time.as_millis().to_string();
        options.options([
            ("statement_timeout", millis(self.statement)),
            ("lock_timeout", millis(self.lock)),
            ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction)),
            ("enable_seqscan", "off".to_owned()),
            ("jit", "off".to_owned()),
        ])
    }
}

/// A pool that connects when it is first used, for requests. `name` shows up in `pg_stat_activity`.
pub fn pool(url: &SecretString, connections: u32, name: &str) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    Ok(pool_with(Limits::SERVING.apply(options), connections, name))
}

/// [`pool`] with other limits.
pub fn pool_within(url: &SecretString, limits: Limits, connections: u32, name: &str) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    Ok(pool_with(limits.apply(options), connections, name))
}

/// [`pool`] for options that are already there, and their limits.
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
        // sqlx pings a connection that returns to the pool, and waits for the answer without a
        // limit: a host that vanished would take every place in the pool with it.
        .after_release(|conn, _| {
            Box::pin(async move {
                match tokio::time::timeout(SIGN_OF_LIFE, conn.ping()).await {
                    Ok(answered) => answered.map(|()| true),
                    Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
                }
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
    apply(&MIGRATOR, pool).await
}

/// Applies migrations. They may take as long as they need: they run without the pool's limits.
pub async fn apply(migrator: &sqlx::migrate::Migrator, pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    let mut conn = pool.acquire().await?;
    // The next user gets a session with the limits.
    conn.close_on_drop();
    without_limits(&mut conn).await?;
    migrator.run_direct(None, &mut *conn, false).await
}

/// Makes the transaction that has just begun read from one snapshot, so that totals and lists agree; it may scan whole tables.
pub async fn hold_snapshot(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL enable_seqscan = on")
        .execute(conn)
        .await?;
    Ok(())
}

/// Lifts the session's limits, for a migration or another statement that takes its time.
pub async fn without_limits(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let lift = "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    sqlx::raw_sql(lift).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
