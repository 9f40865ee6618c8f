use sqlx::migrate::Migrator;
use sqlx::{Executor, SqlSafeStr};

use super::*;
use crate::testing::{Proxy, TestDb, limits_of};

async fn setting(conn: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn a_session_that_holds_a_row_keeps_nobody_waiting_for_ever() {
    let db = TestDb::new().await;
    db.pool.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await.unwrap();
    let limits = Limits {
        statement: Duration::from_secs(30),
        lock: Duration::from_millis(50),
        idle_in_transaction: Duration::from_millis(200),
    };
    let pool = pool_with(limits.apply(db.options().clone()), 2, "limits");
    let mut holder = pool.begin().await.unwrap();
    holder.execute("UPDATE kept SET id = 2").await.unwrap();
    let refused = pool.execute("UPDATE kept SET id = 3").await.unwrap_err();
    assert_eq!(refused.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(), Some("55P03"));
    // The holder does nothing more: the server ends its session, and the row is free.
    let freed = async { while pool.execute("UPDATE kept SET id = 3").await.is_err() {} };
    tokio::time::timeout(Duration::from_mins(1), freed).await.expect("the row is free");
    assert!(holder.execute("SELECT 1").await.is_err());
    drop(holder);
    pool.close().await;
    db.close().await;
}

#[tokio::test]
async fn every_pool_gives_its_sessions_their_limits() {
    let db = TestDb::new().await;
    let url = SecretString::from(db.url());
    let own = Limits { statement: Duration::from_secs(7), ..Limits::ENGINE };
    for (pool, limits) in [
        (pool(&url, 1, "limits"), Limits::SERVING),
        (pool_within(&url, Limits::WORKING, 1, "limits"), Limits::WORKING),
        (pool_within(&url, own, 1, "limits"), own),
    ] {
        let pool = pool.unwrap();
        assert_eq!(limits_of(&mut pool.acquire().await.unwrap()).await, limits);
        pool.close().await;
    }
    db.close().await;
}

/// As on a new installation whose empty tables were analysed: there the planner prefers a scan, and keeps it while the table grows.
#[tokio::test]
async fn a_plan_made_for_an_empty_table_finds_rows_by_the_index() {
    let db = TestDb::new().await;
    db.pool.execute("CREATE TABLE kept (id int PRIMARY KEY, n int); ANALYZE kept").await.unwrap();
    let plan = async |conn: &mut PgConnection| -> String {
        sqlx::query_scalar("EXPLAIN SELECT n FROM kept WHERE id = 1").fetch_one(conn).await.unwrap()
    };
    let usual = plan(&mut db.pool.acquire().await.unwrap()).await;
    assert!(usual.starts_with("Seq Scan"), "{usual}");
    let pool = pool(&SecretString::from(db.url()), 1, "plans").unwrap();
    let ours = plan(&mut pool.acquire().await.unwrap()).await;
    assert!(ours.starts_with("Index Scan"), "{ours}");
    // Whoever reads from a snapshot reads much.
    let mut tx = pool.begin().await.unwrap();
    hold_snapshot(&mut tx).await.unwrap();
    assert_eq!(plan(&mut tx).await, usual);
    tx.rollback().await.unwrap();
    pool.close().await;
    db.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled_and_a_migration_is_not() {
    let db = TestDb::new().await;
    let limits = Limits { statement: Duration::from_millis(100), ..Limits::SERVING };
    let pool = pool_with(limits.apply(db.options().clone()), 1, "limits");
    let cancelled = pool.execute("SELECT pg_sleep(60)").await.unwrap_err();
    assert_eq!(cancelled.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(), Some("57014"));
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut conn, "lock_timeout").await, "5s");
    without_limits(&mut conn).await.unwrap();
    for name in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
        assert_eq!(setting(&mut conn, name).await, "0", "{name}");
    }
    conn.close_on_drop();
    drop(conn);
    migrate(&pool).await.unwrap();
    // The next user of the pool has its limits again.
    assert_eq!(setting(&mut pool.acquire().await.unwrap(), "statement_timeout").await, "100ms");
    pool.close().await;
    db.close().await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_those_before_it_stay() {
    let db = TestDb::new().await;
    let migrator = |second: &'static str| {
        let migrations = [(9_001, "CREATE TABLE before ()"), (9_002, second)].map(|(version, sql)| {
            let mut migration = MIGRATOR.iter().next().unwrap().clone();
            migration.version = version;
            migration.sql = sql.into_sql_str();
            migration
        });
        let mut migrator = Migrator::with_migrations(migrations.to_vec());
        migrator.set_ignore_missing(true);
        migrator.table_name = MIGRATOR.table_name.clone();
        migrator
    };
    let there = async || -> (bool, bool) {
        let sql = "SELECT to_regclass('before') IS NOT NULL, to_regclass('half') IS NOT NULL";
        sqlx::query_as(sql).fetch_one(&db.pool).await.unwrap()
    };
    let failed = apply(&migrator("CREATE TABLE half (); SELECT 1 / 0"), &db.pool).await.unwrap_err().to_string();
    assert!(failed.contains("9002") && failed.contains("division by zero"), "{failed}");
    assert_eq!(there().await, (true, false));
    apply(&migrator("CREATE TABLE half ()"), &db.pool).await.unwrap();
    assert_eq!(there().await, (true, true));
    db.close().await;
}

#[tokio::test]
async fn a_host_that_vanishes_gives_the_pools_places_back() {
    let db = TestDb::new().await;
    let options = db.options();
    let proxy = Proxy::to(&format!("{}:{}", options.get_host(), options.get_port())).await.unwrap();
    let address = proxy.address();
    let pool = pool_with(options.clone().host(&address.ip().to_string()).port(address.port()), 1, "vanished");
    let conn = pool.acquire().await.unwrap();
    proxy.strand();
    drop(conn);
    let back = async { while pool.acquire().await.is_err() {} };
    tokio::time::timeout(Duration::from_mins(1), back).await.expect("the place is free");
    pool.close().await;
    db.close().await;
}
