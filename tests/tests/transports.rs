//! The same stack over each of the three transports, and moving from one to another while jobs
//! flow.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use queue::Ledger;
use queue::ops::queues::QueueChange;
use queue::ticket::Ticket;
use queue::transport::Message;
use queue::transport::Transport;
use shared::ids::JobId;
use tests::stack::TestStack;
use tests::touch::Touch;
use tokio_util::sync::CancellationToken;

/// A row that was inserted as queued has the same time for both; a dispatcher's turn comes later.
const AT_ONCE: &str = "queued_at = run_at";

async fn everything_runs_once(transport: Transport) {
    let stack = TestStack::new(transport).await;
    let _scheduler = stack.scheduler();
    let workers = [stack.worker(16), stack.worker(16)];
    stack.enqueue(500, 0).await;
    stack.until_drained().await;
    stack.assert_once_each(500).await;
    for worker in workers {
        worker.stop.cancel();
        worker.task.await.unwrap().unwrap();
    }
    assert_eq!(stack.count("state = 'running'").await, 0);
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_once_over_redis() {
    everything_runs_once(Transport::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_once_over_rabbit() {
    everything_runs_once(Transport::Rabbit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_once_over_postgres_alone() {
    everything_runs_once(Transport::Local).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_moves_between_transports_while_jobs_flow() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    let ledger = stack.fast_ledger().await;
    // Some jobs go through the dispatcher, some through the fast path of a process that sees the
    // moves later.
    stack.enqueue(1_500, 10).await;
    let moved = CancellationToken::new();
    let producer = tokio::spawn(produce(ledger, 1_500, moved.clone()));
    for transport in [Transport::Rabbit, Transport::Local, Transport::Redis] {
        let done = stack.count("state = 'succeeded'").await;
        stack.change(to(transport)).await;
        // Jobs flow on the new transport before the queue is moved again.
        stack.until_at_least("state = 'succeeded'", done + 100).await;
    }
    moved.cancel();
    let count = producer.await.unwrap();
    stack.until_drained().await;
    stack.assert_once_each(count).await;
    stack.close().await;
}

fn to(transport: Transport) -> QueueChange {
    QueueChange { transport: Some(transport), ..QueueChange::default() }
}

/// Enqueues short jobs from number `n` on, one after the other, until `stop`; returns the number
/// after the last one.
async fn produce(ledger: Ledger, mut n: i32, stop: CancellationToken) -> i32 {
    while !stop.is_cancelled() {
        ledger.enqueue(&Touch { n, ..Touch::default() }).await.unwrap();
        n += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    n
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_to_the_old_broker_after_a_move_comes_back_and_its_messages_go() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _ledger = stack.fast_ledger().await;
    stack.change(to(Transport::Local)).await;
    // A process that has not seen the move yet.
    let job = straggler(&stack).await;
    let old = stack.brokers().get(Transport::Redis).unwrap();
    old.publish("touch", &[Message(vec![Ticket { job, epoch: 1 }])]).await.unwrap();
    // The reconciler would have sent it again with the same epoch, some time later.
    stack.until("state = 'queued' AND epoch = 2", 1).await;
    while old.depth("touch").await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stack.leave().await;
}

/// A job that another process's fast path has just committed as handed over.
async fn straggler(stack: &TestStack) -> JobId {
    let id = sqlx::query_scalar(
        "INSERT INTO jobs (state, epoch, queue, kind, payload, run_at, queued_at)
         VALUES ('queued', 1, 'touch', 'tests.touch', '{\"n\": 0, \"millis\": 0, \"kills\": false}', now(), now())
         RETURNING id",
    )
    .fetch_one(stack.pool())
    .await
    .unwrap();
    JobId(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_handed_over_as_a_pause_began_runs_after_it() {
    let stack = TestStack::new(Transport::Rabbit).await;
    let _scheduler = stack.scheduler();
    let _ledger = stack.fast_ledger().await;
    let mut conn = stack.pool().acquire().await.unwrap();
    queue::ops::queues::pause(&mut conn, "touch", queue::ops::Actor::System).await.unwrap();
    // Its message has been refused and is gone.
    straggler(&stack).await;
    queue::ops::queues::resume(&mut conn, "touch", queue::ops::Actor::System).await.unwrap();
    drop(conn);
    stack.until_at_least("epoch >= 2", 1).await;
    let _worker = stack.worker(1);
    stack.until_drained().await;
    stack.assert_once_each(1).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fast_path_needs_no_dispatcher_turn_and_loses_nothing() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(16);
    let ledger = stack.fast_ledger().await;
    for n in 0..200 {
        ledger.enqueue(&Touch { n, ..Touch::default() }).await.unwrap();
    }
    stack.until_drained().await;
    stack.assert_once_each(200).await;
    // On a machine under load, the path may be closed for a moment.
    assert!(stack.count(AT_ONCE).await >= 100, "the dispatcher took part");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_starts_nothing_and_resumes() {
    let stack = TestStack::new(Transport::Rabbit).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(2);
    stack.enqueue(200, 20).await;
    stack.until("state = 'succeeded' AND payload ->> 'n' = '5'", 1).await;
    let mut conn = stack.pool().acquire().await.unwrap();
    queue::ops::queues::pause(&mut conn, "touch", queue::ops::Actor::System).await.unwrap();
    stack.until("state IN ('queued', 'running')", 0).await;
    let done = stack.count("state = 'succeeded'").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stack.count("state = 'succeeded'").await, done, "a paused queue went on");
    queue::ops::queues::resume(&mut conn, "touch", queue::ops::Actor::System).await.unwrap();
    drop(conn);
    stack.until_drained().await;
    stack.assert_once_each(200).await;
    stack.close().await;
}
