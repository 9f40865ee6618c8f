//! The connections that the ledger's transactions, the engine's own statements and the handlers run on.
//!
//! sqlx's own pool asks a connection whether it is well whenever it comes back: a fifth round trip for a transaction of four,
//! and a sixth of what an enqueue costs. It also waits for that answer without a limit, so that a database host that vanishes
//! takes every place of the pool with it. Here a connection that was just used is trusted, and one that does not answer in time
//! is closed: its place is free again at once.
//!
//! # How to get this wrong
//! - Giving back a connection whose statement was given up: its answer would be taken for that of the next one.
//! - Giving back a connection whose `BEGIN` was interrupted: the server may have begun, and nothing on this side knows.
//! - Leaving an abandoned transaction for the next user to undo: its locks are held until then.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts};
use shared::db::ACQUIRE_TIMEOUT;
use sqlx::postgres::{PgConnectOptions, PgTransactionManager};
use sqlx::{Connection, PgConnection, PgPool, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;

use super::sessions::{SessionId, own_session};

/// A connection that rested longer is asked whether it is well before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// A connection that rests longer is closed.
const IDLE: Duration = Duration::from_mins(1);
/// An older connection is replaced: the server's side of it only grows.
const OLD: Duration = Duration::from_mins(30);
/// How long beginning a transaction may take: the server has nothing to do for it.
const BEGIN: Duration = Duration::from_secs(10);
/// How long undoing an abandoned transaction may take before its connection is given up.
const UNDO: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Connections(Pool<Opening>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connections").field(&self.0.status()).finish()
    }
}

impl Connections {
    /// Connects as `pool` does, with as many connections, when they are first used.
    pub(crate) fn like(pool: &PgPool) -> Self {
        Self::few(pool, most(pool))
    }

    /// [`Connections::like`], for statements that are the same each time.
    pub(crate) fn with_plans_kept(pool: &PgPool) -> Self {
        Self::open(crate::with_plans_kept((*pool.connect_options()).clone()).into(), most(pool))
    }

    /// [`Connections::like`], with `most` connections.
    pub(crate) fn few(pool: &PgPool, most: usize) -> Self {
        Self::open(pool.connect_options(), most)
    }

    fn open(options: Arc<PgConnectOptions>, most: usize) -> Self {
        let timeouts =
            Timeouts { wait: Some(ACQUIRE_TIMEOUT), create: Some(ACQUIRE_TIMEOUT), recycle: Some(ACQUIRE_TIMEOUT) };
        let connections = Pool::builder(Opening(options))
            .max_size(most)
            .timeouts(timeouts)
            // The connection that was used last: its caches are warm, and the others can rest until they are closed.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build();
        #[expect(clippy::expect_used, reason = "the builder only refuses timeouts without a runtime")]
        let connections = connections.expect("a runtime is set");
        let weak = connections.weak();
        tokio::spawn(async move {
            while let Some(connections) = weak.upgrade() {
                connections.retain(|_, metrics| metrics.last_used() < IDLE);
                drop(connections);
                tokio::time::sleep(IDLE).await;
            }
        });
        Self(connections)
    }

    /// Begins a transaction. Fails after [`ACQUIRE_TIMEOUT`] when all connections are in use.
    pub(crate) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        begin_on(self.get(Some(ACQUIRE_TIMEOUT)).await?, None).await
    }

    /// [`Connections::begin`] by this statement, which also sets what holds for the transaction: no round trip more.
    pub(crate) async fn begin_by(&self, statement: &'static str) -> Result<Tx, sqlx::Error> {
        begin_on(self.get(Some(ACQUIRE_TIMEOUT)).await?, Some(statement)).await
    }

    /// [`Connections::begin`] for a caller that waits for its turn, however long that takes.
    pub(crate) async fn begin_in_turn(&self) -> Result<Tx, sqlx::Error> {
        begin_on(self.get(None).await?, None).await
    }

    /// A connection outside of a transaction, for a caller that waits for its turn.
    pub(crate) async fn borrow_in_turn(&self) -> Result<Borrowed, sqlx::Error> {
        Ok(Borrowed { connection: Some(self.get(None).await?) })
    }

    /// A connection outside of a transaction. Fails after [`ACQUIRE_TIMEOUT`] when all are in use.
    pub(crate) async fn borrow(&self) -> Result<Borrowed, sqlx::Error> {
        Ok(Borrowed { connection: Some(self.get(Some(ACQUIRE_TIMEOUT)).await?) })
    }

    /// A connection for statements of the engine, which run [`within`] a limit.
    pub(crate) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        Ok(Lent { connection: Some(self.get(Some(ACQUIRE_TIMEOUT)).await?) })
    }

    async fn get(&self, wait: Option<Duration>) -> Result<Object<Opening>, sqlx::Error> {
        let timeouts = Timeouts { wait, ..self.0.timeouts() };
        self.0.timeout_get(&timeouts).await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Closed => sqlx::Error::PoolClosed,
            _ => sqlx::Error::PoolTimedOut,
        })
    }
}

fn most(pool: &PgPool) -> usize {
    usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX)
}

async fn begin_on(connection: Object<Opening>, statement: Option<&'static str>) -> Result<Tx, sqlx::Error> {
    let mut tx = Tx { connection: Some(connection) };
    within(BEGIN, PgTransactionManager::begin(&mut tx, statement.map(SqlSafeStr::into_sql_str))).await?;
    Ok(tx)
}

/// Runs statements of the engine within `limit`, the wait for a connection included. The server's time limits do not help against
/// a host that has vanished: it answers nothing at all. What was sent may still be executed later.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(no_answer(limit)))
}

fn no_answer(limit: Duration) -> sqlx::Error {
    let problem = format!("the database did not answer within {} ms", limit.as_millis());
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, problem))
}

/// Opens connections, and looks at one before it is used again.
struct Opening(Arc<PgConnectOptions>);

/// A connection, and the session that the server has for it.
struct Opened {
    connection: PgConnection,
    session: SessionId,
}

impl Deref for Opened {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Manager for Opening {
    type Type = Opened;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Opened, sqlx::Error> {
        // Boxed: it is large, rare, and part of every future that begins a transaction.
        let opening = async {
            let mut connection = PgConnection::connect_with(&self.0).await?;
            let session = own_session(&mut connection).await?;
            Ok(Opened { connection, session })
        };
        Box::pin(opening).await
    }

    async fn recycle(&self, connection: &mut Opened, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > OLD {
            return Err(RecycleError::message("old"));
        }
        if metrics.last_used() > TRUSTED {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// A connection that is closed, rather than given back, when its work fails or is given up.
pub(crate) struct Lent {
    /// Taken when it is closed.
    connection: Option<Object<Opening>>,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

impl Lent {
    /// Its work is done.
    pub(crate) fn give_back(mut self) {
        self.connection = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

#[expect(clippy::expect_used, reason = "only what ends the value takes the connection")]
impl Deref for Lent {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the connection is there")
    }
}

#[expect(clippy::expect_used, reason = "as above")]
impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the connection is there")
    }
}

/// A connection outside of a transaction. It goes back when it answers: its last statement may have been given up.
pub(crate) struct Borrowed {
    /// Taken when it is dropped.
    connection: Option<Object<Opening>>,
}

impl fmt::Debug for Borrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed").finish_non_exhaustive()
    }
}

impl Borrowed {
    #[expect(clippy::expect_used, reason = "only drop takes the connection, and it takes the value as well")]
    pub(crate) fn session(&self) -> SessionId {
        self.connection.as_ref().expect("the connection is there").session
    }

    /// All its statements have been answered: it need not be asked.
    pub(crate) fn give_back(mut self) {
        self.connection = None;
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        runtime.spawn(async move {
            if !matches!(tokio::time::timeout(UNDO, connection.ping()).await, Ok(Ok(()))) {
                drop(Object::take(connection));
            }
        });
    }
}

#[expect(clippy::expect_used, reason = "only drop takes the connection, and it takes the value as well")]
impl Deref for Borrowed {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the connection is there")
    }
}

#[expect(clippy::expect_used, reason = "as above")]
impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the connection is there")
    }
}

/// A transaction that is undone when it is dropped.
pub(crate) struct Tx {
    /// Taken when the transaction has ended.
    connection: Option<Object<Opening>>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx {
    #[expect(clippy::expect_used, reason = "only what ends the transaction takes the connection")]
    pub(crate) fn session(&self) -> SessionId {
        self.connection.as_ref().expect("the transaction is open").session
    }

    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        PgTransactionManager::commit(&mut self).await?;
        self.connection = None;
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        PgTransactionManager::rollback(&mut self).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let runtime = tokio::runtime::Handle::try_current();
        let (Ok(runtime), 1..) = (runtime, PgTransactionManager::get_transaction_depth(&connection)) else {
            // Closing it undoes what the server may have begun.
            drop(Object::take(connection));
            return;
        };
        runtime.spawn(async move {
            let undone = async {
                while PgTransactionManager::get_transaction_depth(&connection) > 0 {
                    PgTransactionManager::rollback(&mut connection).await?;
                }
                Ok::<_, sqlx::Error>(())
            };
            if !matches!(tokio::time::timeout(UNDO, undone).await, Ok(Ok(()))) {
                drop(Object::take(connection));
            }
        });
    }
}

#[expect(
    clippy::expect_used,
    reason = "only commit, rollback and drop take the connection, and they take the value as well"
)]
impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the transaction is open")
    }
}

#[expect(clippy::expect_used, reason = "as above")]
impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the transaction is open")
    }
}

#[cfg(test)]
mod tests;
