use jobs::maintenance::PruneJobs;
use queue::Job;
use queue::ops::list::JobFilter;
use queue::ops::{Actor, JobState};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use super::*;
use crate::testing::TestWorkers;

/// Workers with dead jobs of one cause, which all have the same payload and so the same key.
async fn with_dead(dead: u32, kind: &str) -> TestWorkers {
    let workers = TestWorkers::new(Handlers::default().with::<RetryJobs>()).await;
    sqlx::query(
        r#"INSERT INTO jobs (state, queue, kind, payload, run_at, finished_at, fingerprint, attempt)
           SELECT 'dead', 'emails', $1, '{"finished_after_hours": 1, "dead_after_hours": 1}', now(), now(), 'f1', 5
           FROM generate_series(1, $2)"#,
    )
    .bind(kind)
    .bind(i32::try_from(dead).unwrap())
    .execute(&workers.db.pool)
    .await
    .unwrap();
    workers
}

async fn ask(workers: &TestWorkers, per_second: Option<f64>, limit: Option<u64>) -> u64 {
    let filter = JobFilter { fingerprint: Some("f1".into()), ..JobFilter::default() };
    let mut conn = workers.db.pool.acquire().await.unwrap();
    RetryJobs::ask(&mut conn, filter, per_second, limit, Actor::CommandLine).await.unwrap().counted
}

async fn result(workers: &TestWorkers) -> serde_json::Value {
    let done = rows(&workers.db.pool, RetryJobs::KIND.name).await.remove(0);
    assert_eq!(done.state, "succeeded", "{done:?}");
    done.result.unwrap()
}

#[tokio::test]
async fn a_dead_group_goes_back_in_line_oldest_first_up_to_the_limit() {
    let workers = with_dead(1_203, "t.unknown").await;
    assert_eq!(ask(&workers, None, Some(1_200)).await, 1_200);
    workers.queue.drain().await;
    assert_eq!(result(&workers).await, json!({"retried": 1200, "conflicts": 0}));
    let left = rows(&workers.db.pool, "t.unknown").await;
    let states: Vec<_> = left.iter().map(|row| row.state.as_str()).collect();
    assert!(states[..1_200].iter().all(|state| *state == JobState::Available.name()), "{states:?}");
    assert_eq!(states[1_200..], ["dead"; 3]);
    workers.db.close().await;
}

#[tokio::test]
async fn at_a_rate_they_become_due_one_after_the_other_over_all_batches() {
    let workers = with_dead(501, "t.unknown").await;
    assert_eq!(ask(&workers, Some(10.0), None).await, 501);
    workers.queue.drain().await;
    assert_eq!(result(&workers).await, json!({"retried": 501, "conflicts": 0}));
    let sql = "SELECT extract(epoch FROM max(run_at) - min(run_at))::float8 FROM jobs WHERE kind = 't.unknown'";
    let spread: f64 = sqlx::query_scalar(sql).fetch_one(&workers.db.pool).await.unwrap();
    // Fifty seconds, and the time that passed between the batches' own clocks.
    assert!(spread >= 49.9, "{spread}");
    workers.db.close().await;
}

#[tokio::test]
async fn a_job_whose_key_is_taken_stays_and_is_counted() {
    let workers = with_dead(3, PruneJobs::KIND.name).await;
    ask(&workers, None, None).await;
    workers.queue.drain().await;
    assert_eq!(result(&workers).await, json!({"retried": 1, "conflicts": 2}));
    workers.db.close().await;
}
