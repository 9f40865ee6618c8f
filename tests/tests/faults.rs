//! Nothing is lost or done twice when something breaks: killed and frozen workers, a killed
//! dispatcher, a database that drops its connections, crashes and restarts.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use queue::transport::Transport;
use shared::testing::TestDb;
use tests::parts::Part;
use tests::servers::OwnPostgres;
use tests::stack::TestStack;
use tests::touch::{HEARD, Touch};

fn process(stack: &TestStack, part: &str) -> Part {
    Part::start(env!("CARGO_BIN_EXE_stack-part"), stack, &[part])
}

async fn a_killed_worker_loses_nothing(transport: Transport) {
    let stack = TestStack::new(transport).await;
    let _scheduler = stack.scheduler();
    let mut worker = process(&stack, "worker");
    stack.enqueue(60, 300).await;
    stack.until("state = 'running'", 8).await;
    worker.kill().await;
    let _next = stack.worker(8);
    stack.until_drained().await;
    stack.assert_once_each(60).await;
    let lost: i64 = sqlx::query_scalar("SELECT count(*) FROM job_attempts WHERE outcome = 'lost'")
        .fetch_one(stack.pool())
        .await
        .unwrap();
    assert!(lost > 0, "the deaths are not on record");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing_over_redis() {
    a_killed_worker_loses_nothing(Transport::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing_over_rabbit() {
    a_killed_worker_loses_nothing(Transport::Rabbit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_past_its_lease_writes_nothing_when_it_wakes() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let frozen = process(&stack, "worker");
    stack.enqueue(8, 1_500).await;
    stack.until("state = 'running'", 8).await;
    frozen.signal("STOP");
    let _next = stack.worker(8);
    stack.until_drained().await;
    frozen.signal("CONT");
    // It wakes up, runs on and tries to commit.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stack.assert_once_each(8).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_workers_is_quarantined() {
    let stack = TestStack::new(Transport::Local).await;
    let _scheduler = stack.scheduler();
    let poison = Touch { n: -1, kills: true, ..Touch::default() };
    stack.ledger().enqueue(&poison).await.unwrap();
    for _ in 0..3 {
        let mut worker = process(&stack, "worker");
        assert!(!worker.ended().await.success());
    }
    stack.until("state = 'dead'", 1).await;
    assert_eq!(stack.count("losses = 3").await, 1);
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_worker_delays_its_neighbours_by_seconds_not_by_a_lease() {
    let stack = TestStack::new(Transport::Local).await;
    let _scheduler = stack.scheduler();
    let mut first = process(&stack, "worker");
    stack.enqueue(8, 1_000).await;
    stack.until("state = 'running'", 8).await;
    first.kill().await;
    // It runs on the same machine, and so sees that the first one's process is gone.
    let _second = stack.worker(8);
    stack.until("EXISTS (SELECT FROM workers WHERE stopped_at IS NOT NULL)", 8).await;
    let early = "SELECT count(*) FROM workers WHERE stopped_at < seen_at + interval '10 seconds'";
    let expired: i64 = sqlx::query_scalar(early).fetch_one(stack.pool()).await.unwrap();
    assert_eq!(expired, 1, "its lease of 15 seconds had to run out");
    stack.until_drained().await;
    stack.assert_once_each(8).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_were_late_with_their_database_are_not_taken_for_dead() {
    let mut postgres = OwnPostgres::start().await.unwrap();
    let stack = TestStack::on(TestDb::on(&postgres.url()).await, Transport::Local, &[]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(4);
    stack.enqueue(4, 0).await;
    stack.until("state = 'succeeded'", 4).await;
    postgres.stop().await.unwrap();
    // Longer than a lease.
    tokio::time::sleep(Duration::from_secs(17)).await;
    postgres.up().await.unwrap();
    let late = "EXISTS (SELECT FROM workers WHERE lease_until > clock_timestamp() AND stopped_at IS NULL)";
    stack.until(late, 4).await;
    // Long enough for the reaper to look again.
    sqlx::query("TRUNCATE jobs, effects").execute(stack.pool()).await.unwrap();
    stack.enqueue(40, 1_000).await;
    stack.until_drained().await;
    let dead: i64 = sqlx::query_scalar("SELECT count(*) FROM workers WHERE stopped_at IS NOT NULL")
        .fetch_one(stack.pool())
        .await
        .unwrap();
    assert_eq!(dead, 0, "the lease of a live worker was taken for expired");
    assert_eq!(stack.count("losses > 0").await, 0);
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_scheduler_takes_over_from_a_killed_one() {
    let stack = TestStack::new(Transport::Redis).await;
    let mut first = process(&stack, "scheduler");
    let _worker = stack.worker(8);
    let led = "EXISTS (SELECT FROM queue_status)";
    stack.enqueue(1, 0).await;
    stack.until("state = 'succeeded'", 1).await;
    assert_eq!(stack.count(led).await, 1);
    let _second = stack.scheduler();
    first.kill().await;
    let mut conn = stack.pool().acquire().await.unwrap();
    queue::Enqueue::new(&Touch { n: 1, ..Touch::default() }).insert(&mut conn).await.unwrap();
    drop(conn);
    stack.until_drained().await;
    stack.assert_once_each(2).await;
    // According to the rows: the lease of three seconds, and some more for a busy machine.
    let waited = stack
        .number("SELECT max(extract(epoch FROM started_at - created_at)) FROM jobs WHERE payload ->> 'n' = '1'")
        .await;
    assert!(waited < 8.0, "the other scheduler took over after {waited} s");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_told_to_stop_publishes_what_it_has_taken() {
    let stack = TestStack::new(Transport::Rabbit).await;
    let scheduler = stack.scheduler();
    stack.enqueue(2_000, 0).await;
    stack.until_at_least("state = 'queued'", 1).await;
    scheduler.stop.cancel();
    scheduler.task.await.unwrap().unwrap();
    // Nobody has reported how long jobs take, so each travels alone.
    let held = stack.brokers().get(Transport::Rabbit).unwrap().depth("touch").await.unwrap();
    assert_eq!(i64::try_from(held).unwrap(), stack.count("state = 'queued'").await);
    stack.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_was_frozen_does_not_exceed_the_limit_together_with_its_successor() {
    let stack = TestStack::new(Transport::Rabbit).await;
    stack.set("concurrency_limit = 3").await;
    let first = process(&stack, "scheduler");
    let _worker = stack.worker(16);
    stack.enqueue(300, 20).await;
    stack.until_at_least("state = 'succeeded'", 20).await;
    first.signal("STOP");
    let _second = stack.scheduler();
    let done = stack.count("state = 'succeeded'").await;
    stack.until_at_least("state = 'succeeded'", done + 20).await;
    first.signal("CONT");
    let mut most = 0;
    while stack.count("state < 'succeeded'").await > 0 {
        most = most.max(stack.count("state IN ('queued', 'running')").await);
    }
    assert!(most <= 3, "{most} were under way at once");
    stack.assert_once_each(300).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_drops_every_connection_loses_nothing() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    stack.enqueue(200, 20).await;
    for done in [10, 60, 120] {
        stack.until_at_least("state = 'succeeded'", done).await;
        sqlx::query(
            "SELECT pg_terminate_backend(pid)
             FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(stack.pool())
        .await
        .unwrap();
    }
    stack.until_drained().await;
    stack.assert_once_each(200).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_and_one_that_restarts_lose_nothing() {
    let mut postgres = OwnPostgres::start().await.unwrap();
    let stack = TestStack::on(TestDb::on(&postgres.url()).await, Transport::Redis, &[]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    stack.enqueue(300, 20).await;
    for (crash, done) in [(true, 20), (false, 100), (true, 180)] {
        stack.until_at_least("state = 'succeeded'", done).await;
        if crash {
            postgres.crash().await.unwrap();
        } else {
            postgres.stop().await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        postgres.up().await.unwrap();
    }
    stack.until_drained().await;
    stack.assert_once_each(300).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_ends_its_jobs_and_gives_the_rest_back() {
    let stack = TestStack::new(Transport::Rabbit).await;
    let _scheduler = stack.scheduler();
    let worker = stack.worker(4);
    stack.enqueue(40, 200).await;
    stack.until("state = 'running'", 4).await;
    worker.stop.cancel();
    worker.task.await.unwrap().unwrap();
    assert_eq!(stack.count("state = 'running'").await, 0, "a stopped worker left jobs running");
    let _next = stack.worker(8);
    stack.until_drained().await;
    stack.assert_once_each(40).await;
    assert_eq!(stack.count("attempt = 1").await, 40, "a shutdown cost an attempt");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled_from_anywhere_within_a_second() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(4);
    stack.enqueue(1, 30_000).await;
    stack.until("state = 'running'", 1).await;
    let job = sqlx::query_scalar("SELECT id FROM jobs").fetch_one(stack.pool()).await.unwrap();
    let mut conn = stack.pool().acquire().await.unwrap();
    queue::ops::cancel::cancel(&mut conn, shared::ids::JobId(job), queue::ops::Actor::System).await.unwrap();
    drop(conn);
    stack.until("state = 'cancelled'", 1).await;
    // The handler ended by itself when it was asked to: it was not dropped, and did not run to its
    // end.
    let heard: i64 = sqlx::query_scalar("SELECT count(*) FROM job_logs WHERE line = $1")
        .bind(HEARD)
        .fetch_one(stack.pool())
        .await
        .unwrap();
    assert_eq!(heard, 1);
    // Workers are notified every half second; a machine under load gets some more time.
    assert_eq!(stack.count("finished_at - cancel_at < interval '2.5 seconds'").await, 1);
    stack.close().await;
}
