//! SIGTERM, and SIGTERM again, to a worker that has long jobs in hand.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use queue::transport::Transport;
use tests::parts::Part;
use tests::stack::TestStack;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stack-part");

async fn outcomes(stack: &TestStack) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT outcome, count(*) FROM job_attempts GROUP BY 1 ORDER BY 1")
        .fetch_all(stack.pool())
        .await
        .unwrap()
}

async fn stopped_workers(stack: &TestStack) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM workers WHERE stopped_at IS NOT NULL")
        .fetch_one(stack.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_what_runs_and_gives_back_what_waits() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let mut worker = Part::start(PROGRAM, &stack, &["worker"]);
    stack.enqueue(40, 2_000).await;
    stack.until("state = 'running'", 8).await;
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    assert_eq!(stack.count("state = 'succeeded'").await, 8, "what ran did not end");
    // The messages in its buffer went back in line at once.
    assert_eq!(stack.count("state = 'running'").await, 0);
    assert_eq!(stopped_workers(&stack).await, 1, "the worker did not sign off");
    let _next = stack.worker(40);
    stack.until_drained().await;
    stack.assert_once_each(40).await;
    assert_eq!(stack.count("attempt = 1").await, 40, "the shutdown cost an attempt");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_longer_than_the_grace_are_returned_and_cost_no_attempt() {
    let stack = TestStack::new(Transport::Rabbit).await;
    let _scheduler = stack.scheduler();
    let worker = stack.worker_with_grace(8, std::time::Duration::from_millis(300));
    stack.enqueue(8, 30_000).await;
    stack.until("state = 'running'", 8).await;
    worker.stop.cancel();
    worker.task.await.unwrap().unwrap();
    assert_eq!(outcomes(&stack).await, [("returned".to_owned(), 8)]);
    assert_eq!(stack.count("attempt = 0 AND state IN ('available', 'queued')").await, 8);
    stack.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sigterm_ends_a_worker_at_once_and_costs_no_attempt() {
    let stack = TestStack::new(Transport::Local).await;
    let _scheduler = stack.scheduler();
    let mut worker = Part::start(PROGRAM, &stack, &["worker"]);
    stack.enqueue(8, 30_000).await;
    stack.until("state = 'running'", 8).await;
    worker.signal("TERM");
    let started = std::time::Instant::now();
    while !worker.has_ended() {
        // Signals that arrive together count as one, so the second is repeated until it is noticed.
        worker.signal_if_running("TERM");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(worker.ended().await.success());
    assert!(started.elapsed() < std::time::Duration::from_secs(8), "it waited for its grace of ten seconds");
    assert_eq!(outcomes(&stack).await, [("returned".to_owned(), 8)]);
    assert_eq!(stack.count("attempt > 0").await, 0);
    assert_eq!(stopped_workers(&stack).await, 1);
    stack.leave().await;
}
