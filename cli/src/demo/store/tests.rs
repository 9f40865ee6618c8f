use shared::testing::TestDb;
use sqlx::ConnectOptions;

use super::*;

#[tokio::test]
async fn a_job_that_waits_for_another_try_is_open_and_a_timer_is_not() {
    let db = TestDb::new().await;
    let conn = async || db.options().connect().await.unwrap();
    let mut stored = Stored { market: conn().await, events: conn().await };
    let since = stored.now().await.unwrap() - chrono::TimeDelta::minutes(1);
    // Of these only the first waits for its time, and the last has ended.
    sqlx::query(
        "INSERT INTO jobs (kind, queue, state, payload, attempt, run_at, worker, started_at, finished_at)
         SELECT 'demo', 'emails', state::job_state, '{}', attempt, now() + after,
                CASE WHEN state = 'running' THEN 1 END, CASE WHEN state = 'running' THEN now() END,
                CASE WHEN state = 'dead' THEN now() END
         FROM (VALUES ('scheduled', 0, interval '1 hour'), ('scheduled', 1, '1 hour'), ('scheduled', 0, '-1 second'),
                      ('available', 0, '0'), ('queued', 0, '0'), ('running', 1, '0'), ('dead', 1, '0'))
             AS made (state, attempt, after)",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let sellers = [OrgId::generate()];
    let jobs = stored.jobs(since, &sellers).await.unwrap();
    assert_eq!(jobs, Jobs { open: 5, dead: 1, ..Jobs::default() });
    // What is waited for is what the figures say.
    assert_eq!(stored.open_jobs(since, &sellers).await.unwrap(), jobs.open);
    stored.close().await;
    db.close().await;
}
