//! The connections that the ledger's transactions run on.
//!
//! sqlx's own pool asks a connection whether it is well whenever it comes back: a fifth round trip for a transaction of four,
//! and a sixth of what an enqueue costs. Here a connection that was just used is trusted.
//!
//! # How to get this wrong
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
use sqlx::{Connection, PgConnection, PgPool};
use sqlx_core::transaction::TransactionManager;

/// A connection that rested longer is asked whether it is well before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// A connection that rests longer is closed.
const IDLE: Duration = Duration::from_mins(1);
/// An older connection is replaced: the server's side of it only grows.
const OLD: Duration = Duration::from_mins(30);
/// How long undoing an abandoned transaction may take before its connection is given up.
const UNDO: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Connections(Pool<Opening>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connections").field(&self.0.status()).finish()
    }
}

impl Connections {
    /// Connects as `pool` does, with as many connections, when they are first used.
    pub(super) fn like(pool: &PgPool) -> Self {
        let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
        let timeouts =
            Timeouts { wait: Some(ACQUIRE_TIMEOUT), create: Some(ACQUIRE_TIMEOUT), recycle: Some(ACQUIRE_TIMEOUT) };
        let connections = Pool::builder(Opening(pool.connect_options()))
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

    pub(super) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        let connection = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Closed => sqlx::Error::PoolClosed,
            _ => sqlx::Error::PoolTimedOut,
        })?;
        let mut tx = Tx { connection: Some(connection) };
        PgTransactionManager::begin(&mut tx, None).await?;
        Ok(tx)
    }
}

/// Opens connections, and looks at one before it is used again.
struct Opening(Arc<PgConnectOptions>);

impl Manager for Opening {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // Boxed: it is large, rare, and part of every future that begins a transaction.
        Box::pin(PgConnection::connect_with(&self.0)).await
    }

    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > OLD {
            return Err(RecycleError::message("old"));
        }
        if metrics.last_used() > TRUSTED {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// A transaction that is undone when it is dropped.
pub(super) struct Tx {
    /// Taken when the transaction has ended.
    connection: Option<Object<Opening>>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        PgTransactionManager::commit(&mut self).await?;
        self.connection = None;
        Ok(())
    }

    pub(super) async fn rollback(mut self) -> Result<(), sqlx::Error> {
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
mod tests {
    use shared::testing::TestDb;

    use shared::testing::{NetworkFault, Proxy};

    use super::*;

    async fn backend(conn: &mut PgConnection) -> i32 {
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(conn).await.unwrap()
    }

    async fn lock(conn: &mut PgConnection) -> bool {
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(1)").fetch_one(conn).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_is_used_again_after_commit_rollback_and_drop() {
        let db = TestDb::new().await;
        let connections = Connections::like(&db.pool);
        let mut tx = connections.begin().await.unwrap();
        let first = backend(&mut tx).await;
        tx.commit().await.unwrap();
        let mut tx = connections.begin().await.unwrap();
        assert_eq!(backend(&mut tx).await, first);
        tx.rollback().await.unwrap();
        let mut tx = connections.begin().await.unwrap();
        assert!(lock(&mut tx).await);
        PgTransactionManager::begin(&mut tx, None).await.unwrap();
        drop(tx);

        // Undone without anybody asking for the connection.
        let mut other = db.pool.begin().await.unwrap();
        let free = async {
            while !lock(&mut other).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(UNDO, free).await.expect("the lock is free");
        let mut tx = connections.begin().await.unwrap();
        assert_eq!(backend(&mut tx).await, first);
        assert_eq!(PgTransactionManager::get_transaction_depth(&tx), 1);
        drop((tx, other));
        db.close().await;
    }

    #[tokio::test]
    async fn an_interrupted_begin_is_not_given_back() {
        let db = TestDb::new().await;
        let options = db.options();
        let proxy = Proxy::to(&format!("{}:{}", options.get_host(), options.get_port())).await.unwrap();
        let address = proxy.address();
        let options = options.clone().host(&address.ip().to_string()).port(address.port());
        let connections = Connections::like(&shared::db::pool_with(options, 1, "interrupted"));
        let mut tx = connections.begin().await.unwrap();
        let first = backend(&mut tx).await;
        tx.commit().await.unwrap();

        proxy.set(NetworkFault::DropAnswers);
        assert!(tokio::time::timeout(Duration::from_millis(100), connections.begin()).await.is_err());
        proxy.set(NetworkFault::None);
        let mut tx = connections.begin().await.unwrap();
        assert_ne!(backend(&mut tx).await, first);
        drop(tx);
        db.close().await;
    }

    #[tokio::test]
    async fn a_rested_connection_that_died_is_replaced() {
        let db = TestDb::new().await;
        let connections = Connections::like(&db.pool);
        let mut tx = connections.begin().await.unwrap();
        let first = backend(&mut tx).await;
        tx.commit().await.unwrap();
        sqlx::query("SELECT pg_terminate_backend($1)").bind(first).execute(&db.pool).await.unwrap();
        tokio::time::sleep(TRUSTED + Duration::from_millis(100)).await;
        let mut tx = connections.begin().await.unwrap();
        assert_ne!(backend(&mut tx).await, first);
        drop(tx);
        db.close().await;
    }

    #[tokio::test]
    async fn when_all_are_in_use_the_caller_is_told() {
        let db = TestDb::new().await;
        let connections = Connections::like(&shared::db::pool_with(db.options().clone(), 1, "one"));
        let held = connections.begin().await.unwrap();
        assert!(matches!(connections.begin().await, Err(sqlx::Error::PoolTimedOut)));
        drop(held);
        connections.begin().await.unwrap();
        db.close().await;
    }
}
