use shared::testing::TestDb;

use super::*;

/// A queue in which many wait is looked at as quickly as one in which nobody does, by the plan that is kept from when nobody did.
#[tokio::test]
async fn looking_for_queues_with_waiting_jobs_does_not_read_all_jobs_that_wait() {
    let db = TestDb::new().await;
    let engine = crate::engine_pool_with(db.options().clone(), "test");
    let queues = ["deep", "empty"].map(str::to_owned);
    let mut tx = engine.begin().await.unwrap();
    assert!(waiting(&mut tx, &queues).await.unwrap().is_empty());
    let many = "INSERT INTO jobs (state, queue, kind, payload, run_at)
                SELECT 'available', 'deep', 'test.noop', '{}', clock_timestamp() FROM generate_series(1, 500)";
    sqlx::query(many).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = engine.begin().await.unwrap();
    let read = "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'jobs'";
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    assert_eq!(waiting(&mut tx, &queues).await.unwrap(), ["deep"]);
    let after: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    assert!(after - before <= 10, "{} jobs were read", after - before);
    tx.commit().await.unwrap();
    db.close().await;
}
