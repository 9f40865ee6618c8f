use shared::testing::TestDb;
use sqlx::ConnectOptions;

use super::*;

#[tokio::test]
async fn a_job_that_waits_for_another_try_is_open_and_a_timer_is_not() {
    let db = TestDb::new().await;
    let conn = async || db.options().connect().await.unwrap();
    let mut stored = Stored { market: conn().await, events: conn().await };
    let since = stored.now().await.unwrap() - chrono::TimeDelta::minutes(1);
    sqlx::query(
        "INSERT INTO jobs (kind, queue, state, payload, attempt, run_at)
         SELECT 'demo', 'emails', 'scheduled', '{}', attempt, now() + interval '1 hour'
         FROM unnest('{0, 1}'::int[]) AS attempt",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let jobs = stored.jobs(since, &[OrgId::generate()]).await.unwrap();
    assert_eq!(jobs, Jobs { open: 1, ..Jobs::default() });
    stored.close().await;
    db.close().await;
}
