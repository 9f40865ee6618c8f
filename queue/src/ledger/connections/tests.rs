use shared::config::{Config, Source};
use shared::db::Limits;
use shared::testing::{NetworkFault, Proxy, TestDb, limits_of};

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

#[tokio::test]
async fn an_engine_has_no_more_connections_than_a_process_may_have_in_a_pool_and_never_one_alone() {
    for (set, most) in [("10", 6), ("3", 3), ("1", 2)] {
        let settings = [("DATABASE_URL", "postgres://localhost/x"), ("DATABASE_CONNECTIONS", set)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::from_source(Source::new("", settings.into())).unwrap();
        let engine = crate::engine_pool(&config, "few").unwrap();
        assert_eq!(engine.options().get_max_connections(), most, "DATABASE_CONNECTIONS={set}");
    }
}

/// The connections of the engine do not come from the pool that they are made like: they have its limits all the same.
#[tokio::test]
async fn the_engines_and_the_ledgers_connections_have_the_limits_of_their_pools() {
    let db = TestDb::new().await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let engine = crate::engine_pool(&config, "limits").unwrap();
    assert_eq!(limits_of(&mut engine.acquire().await.unwrap()).await, Limits::ENGINE);
    for connections in [Connections::like(&engine), Connections::few(&engine, 1)] {
        assert_eq!(limits_of(&mut connections.lend().await.unwrap()).await, Limits::ENGINE);
        assert_eq!(limits_of(&mut connections.begin().await.unwrap()).await, Limits::ENGINE);
    }
    let url = db.url().into();
    for limits in [Limits::SERVING, Limits::WORKING] {
        let ledger = crate::Ledger::new(shared::db::pool_within(&url, limits, 1, "limits").unwrap());
        let mut tx = ledger.begin().await.unwrap();
        assert_eq!(limits_of(&mut tx).await, limits);
        tx.rollback().await.unwrap();
    }
    db.close().await;
}
