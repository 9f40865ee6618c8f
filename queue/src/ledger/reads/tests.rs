use std::time::Duration;

use shared::testing::TestDb;

use super::*;

async fn backend(conn: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(conn).await.unwrap()
}

/// What the server was last asked on this connection.
async fn last_asked(pool: &PgPool, backend: i32) -> String {
    sqlx::query_scalar("SELECT query FROM pg_stat_activity WHERE pid = $1").bind(backend).fetch_one(pool).await.unwrap()
}

fn one_connection(db: &TestDb) -> ReadConnections {
    ReadConnections::like(&shared::db::pool_with(db.options().clone(), 1, "reads"))
}

#[tokio::test]
async fn a_connection_that_is_given_back_serves_the_next_read_unasked() {
    let db = TestDb::new().await;
    let reads = one_connection(&db);
    let mut conn = reads.acquire().await.unwrap();
    let first = backend(&mut conn).await;
    conn.give_back();
    // At once: nothing is asked in the background that the next one would wait for.
    let mut conn = tokio::time::timeout(Duration::ZERO, reads.acquire()).await.expect("it is back").unwrap();
    assert_eq!(last_asked(&db.pool, first).await, "SELECT pg_backend_pid()");
    assert_eq!(backend(&mut conn).await, first);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_connection_whose_statement_was_given_up_answers_before_it_is_used_again() {
    let db = TestDb::new().await;
    let reads = one_connection(&db);
    let mut conn = reads.acquire().await.unwrap();
    let first = backend(&mut conn).await;
    let slow = sqlx::query("SELECT pg_sleep(0.3)").execute(&mut *conn);
    assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
    drop(conn);
    let mut conn = reads.acquire().await.unwrap();
    assert_eq!(backend(&mut conn).await, first, "the answer is that of the statement");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_connection_that_broke_while_it_was_used_is_replaced() {
    let db = TestDb::new().await;
    let reads = one_connection(&db);
    let mut conn = reads.acquire().await.unwrap();
    let first = backend(&mut conn).await;
    sqlx::query("SELECT pg_terminate_backend($1)").bind(first).execute(&db.pool).await.unwrap();
    assert!(sqlx::query("SELECT 1").execute(&mut *conn).await.is_err());
    drop(conn);
    let mut conn = reads.acquire().await.unwrap();
    assert_ne!(backend(&mut conn).await, first);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn when_all_are_in_use_the_reader_is_told() {
    let db = TestDb::new().await;
    let reads = one_connection(&db);
    let held = reads.acquire().await.unwrap();
    assert!(matches!(reads.acquire().await, Err(sqlx::Error::PoolTimedOut)));
    drop(held);
    reads.acquire().await.unwrap().give_back();
    db.close().await;
}
