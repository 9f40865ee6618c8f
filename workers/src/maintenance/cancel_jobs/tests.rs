use jobs::maintenance::PruneJobs;
use queue::ops::list::JobFilter;
use queue::ops::{Actor, JobState};
use queue::testing::{Row, rows};
use queue::worker::Handlers;
use queue::worker::StopReason;
use queue::{Enqueue, Job, Unique};
use serde_json::json;
use shared::ids::JobId;
use sqlx::PgPool;

use super::*;
use crate::testing::TestWorkers;

/// Workers with this many jobs scheduled for tomorrow, and the job that is to cancel them.
async fn asked(waiting: usize) -> (TestWorkers, JobId) {
    let workers = TestWorkers::new(Handlers::default().with::<CancelJobs>()).await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let one = || Enqueue::new(&PruneJobs::DEFAULT).unique(Unique::NO).after(std::time::Duration::from_hours(24));
    let many: Vec<_> = (0..waiting).map(|_| one()).collect();
    queue::enqueue::enqueue_all(&mut conn, &many).await.unwrap();
    let filter = JobFilter { queue: Some("maintenance".into()), ..JobFilter::default() };
    let asked = CancelJobs::ask(&mut conn, filter, Actor::CommandLine).await.unwrap();
    assert_eq!(asked.counted, waiting as u64);
    (workers, asked.job)
}

async fn row(pool: &PgPool) -> Row {
    rows(pool, CancelJobs::KIND.name).await.remove(0)
}

async fn cancelled(pool: &PgPool) -> usize {
    rows(pool, PruneJobs::KIND.name).await.iter().filter(|row| row.state == JobState::Cancelled.name()).count()
}

#[tokio::test]
async fn what_fits_is_cancelled_in_batches_and_the_job_itself_is_not() {
    let (workers, job) = asked(BATCH * 2 + 3).await;
    workers.queue.drain().await;
    let done = row(&workers.db.pool).await;
    assert_eq!((done.state.as_str(), done.result), ("succeeded", Some(json!({"cancelled": 1003, "asked": 0}))));
    assert_eq!(cancelled(&workers.db.pool).await, 1003);
    let line: String =
        sqlx::query_scalar("SELECT DISTINCT line FROM job_logs").fetch_one(&workers.db.pool).await.unwrap();
    assert_eq!(line, format!("cancelled by cli, by job {job}"));
    let act: (String, String) = sqlx::query_as("SELECT action, data ->> 'counted' FROM audit_entries")
        .fetch_one(&workers.db.pool)
        .await
        .unwrap();
    assert_eq!(act, ("job.cancel_many".to_owned(), "1003".to_owned()));
    workers.db.close().await;
}

/// Stops the job when all but one are cancelled: somebody holds the last one.
async fn stopped(reason: StopReason) -> (TestWorkers, JobId) {
    let (workers, job) = asked(BATCH + 1).await;
    let mut holder = workers.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM jobs WHERE kind = 'jobs.prune' ORDER BY id LIMIT 1 FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let ticket = workers.queue.take().await.remove(0);
    let running = workers.queue.start(ticket);
    let progress = "SELECT progress_text FROM jobs WHERE id = $1";
    loop {
        let text: Option<String> = sqlx::query_scalar(progress).bind(job).fetch_one(&workers.db.pool).await.unwrap();
        if text.as_deref() == Some("500 of 501") {
            break;
        }
        tokio::task::yield_now().await;
    }
    workers.queue.stop(job, reason);
    running.await.unwrap();
    holder.rollback().await.unwrap();
    (workers, job)
}

#[tokio::test]
async fn cancelling_the_job_stops_it_between_two_batches() {
    let (workers, _) = stopped(StopReason::Cancelled).await;
    let done = row(&workers.db.pool).await;
    assert_eq!((done.state.as_str(), done.result), ("cancelled", Some(json!({"cancelled": 500, "asked": 0}))));
    assert_eq!(cancelled(&workers.db.pool).await, 500);
    workers.db.close().await;
}

#[tokio::test]
async fn after_a_shutdown_it_goes_on_and_counts_on() {
    let (workers, _) = stopped(StopReason::Shutdown).await;
    assert_eq!(row(&workers.db.pool).await.attempt, 0, "a shutdown costs no attempt");
    workers.queue.drain().await;
    let done = row(&workers.db.pool).await;
    assert_eq!((done.state.as_str(), done.result), ("succeeded", Some(json!({"cancelled": 501, "asked": 0}))));
    workers.db.close().await;
}
