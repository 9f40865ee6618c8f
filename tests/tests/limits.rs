//! Which jobs go first and how many at once: priorities, tenants, windows and limits, with and
//! without the fast path.

use std::time::Duration;

use queue::enqueue::{Enqueue, enqueue_all};
use queue::ops::queues::{Change, QueueChange};
use queue::transport::Transport;
use shared::ids::OrgId;
use tests::stack::TestStack;
use tests::touch::{Touch, Urgent};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn urgent_jobs_overtake_a_backlog() {
    let stack = TestStack::new(Transport::Redis).await;
    stack.set("max_inflight = 4").await;
    stack.enqueue(200, 5).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(4);
    stack.until("state = 'succeeded' AND kind = 'tests.touch' AND payload ->> 'n' = '20'", 1).await;
    let mut conn = stack.pool().acquire().await.unwrap();
    Enqueue::new(&Urgent { n: 1_000 }).insert(&mut conn).await.unwrap();
    drop(conn);
    stack.until_drained().await;
    let order = stack.order().await;
    let place = order.iter().position(|&n| n == 1_000).unwrap();
    assert!(place < 150, "the urgent job came {place}th of {}", order.len());
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_share_a_queue_fairly() {
    let stack = TestStack::new(Transport::Redis).await;
    stack.set("max_inflight = 4").await;
    let tenants: Vec<_> = (0..3).map(|_| OrgId::generate()).collect();
    let job = |n: i32, tenant| Enqueue::new(&Touch { n, tenant: Some(tenant), millis: 1, ..Touch::default() });
    // The first tenant comes with a flood, the others with ten jobs each after it.
    let mut all: Vec<_> = (0..300).map(|n| job(n, tenants[0])).collect();
    all.extend((300..310).map(|n| job(n, tenants[1])));
    all.extend((310..320).map(|n| job(n, tenants[2])));
    let mut conn = stack.pool().acquire().await.unwrap();
    enqueue_all(&mut conn, &all).await.unwrap();
    drop(conn);
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(4);
    stack.until_drained().await;
    stack.assert_once_each(320).await;
    let order = stack.order().await;
    let last_small = order.iter().rposition(|&n| n >= 300).unwrap();
    assert!(last_small < 120, "the small tenants waited behind {last_small} jobs of the flood");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_concurrency_limit_holds_over_all_workers() {
    let stack = TestStack::new(Transport::Rabbit).await;
    stack.set("concurrency_limit = 3").await;
    stack.enqueue(60, 20).await;
    let _scheduler = stack.scheduler();
    let _workers = [stack.worker(16), stack.worker(16)];
    let mut most = 0;
    while stack.count("state < 'succeeded'").await > 0 {
        most = most.max(stack.count("state IN ('queued', 'running')").await);
    }
    assert!(most <= 3, "{most} were under way at once");
    stack.assert_once_each(60).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_holds() {
    let stack = TestStack::new(Transport::Local).await;
    stack.set("rate_per_second = 20, rate_burst = 5").await;
    stack.enqueue(25, 0).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(16);
    stack.until_drained().await;
    let span: f64 =
        sqlx::query_scalar("SELECT extract(epoch FROM max(queued_at) - min(queued_at))::double precision FROM jobs")
            .fetch_one(stack.pool())
            .await
            .unwrap();
    // 25 jobs, at most 5 at once and 20 per second: the last one leaves at the earliest a second
    // after the first.
    assert!(span >= 0.9, "25 jobs left within {span} s");
    stack.assert_once_each(25).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_room_for_one_job_the_tenants_alternate() {
    let stack = TestStack::new(Transport::Redis).await;
    stack.set("concurrency_limit = 1").await;
    let job = |n: i32, tenant: u128| {
        Enqueue::new(&Touch { n, tenant: Some(OrgId(Uuid::from_u128(tenant))), ..Touch::default() })
    };
    // The flood comes from the tenant that is first in any order.
    let mut all: Vec<_> = (0..100).map(|n| job(n, 1)).collect();
    all.extend((100..105).map(|n| job(n, 2)));
    all.extend((105..110).map(|n| job(n, 3)));
    enqueue_all(&mut stack.pool().acquire().await.unwrap(), &all).await.unwrap();
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(4);
    stack.until_drained().await;
    stack.assert_once_each(110).await;
    let order = stack.order().await;
    let last_small = order.iter().rposition(|&n| n >= 100).unwrap();
    assert_eq!(last_small, 14, "three tenants take five turns each: {:?}", &order[..40]);
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_job_does_not_wait_behind_a_window_full_of_slow_ones() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(16);
    // The worker reports with its next heartbeat how long jobs take.
    stack.enqueue(32, 250).await;
    stack.until("state = 'succeeded' AND EXISTS (SELECT FROM workers WHERE run_micros ? 'touch')", 32).await;
    stack.enqueue(400, 250).await;
    stack.until_at_least("state = 'succeeded'", 64).await;
    Enqueue::new(&Urgent { n: 1_000 }).insert(&mut stack.pool().acquire().await.unwrap()).await.unwrap();
    stack.until("kind = 'tests.urgent' AND state = 'succeeded'", 1).await;
    let place = stack.order().await.iter().position(|&n| n == 1_000).unwrap();
    assert!(place < 300, "the urgent job came {place}th of 433");
    stack.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_set_while_jobs_flow_holds_from_then_on() {
    let stack = TestStack::new(Transport::Redis).await;
    let _scheduler = stack.scheduler();
    let _workers = [stack.worker(16), stack.worker(16)];
    let ledger = stack.fast_ledger().await;
    stack.enqueue(300, 30).await;
    stack.until_at_least("state = 'succeeded'", 50).await;
    stack.change(QueueChange { concurrency_limit: Change::To(3), ..QueueChange::default() }).await;
    // The fast path goes on; jobs handed over before it has seen the limit are taken back once
    // everybody has.
    let mut n = 300;
    while stack.number("SELECT extract(epoch FROM clock_timestamp() - changed_at) FROM queues").await < 5.0 {
        ledger.enqueue(&Touch { n, millis: 10, ..Touch::default() }).await.unwrap();
        n += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stack.until_drained().await;
    stack.assert_once_each(n).await;
    let most = stack
        .number(
            "SELECT max((
                 SELECT count(*)
                 FROM jobs AS other
                 WHERE other.started_at <= job.started_at AND other.finished_at > job.started_at
             ))
             FROM jobs AS job, queues
             WHERE job.started_at > changed_at + interval '3 seconds'",
        )
        .await;
    assert!(most <= 3.0, "{most} ran at once");
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limited_queue_without_workers_builds_up_no_burst() {
    let stack = TestStack::new(Transport::Local).await;
    stack.set("rate_per_second = 20, rate_burst = 5").await;
    let _scheduler = stack.scheduler();
    stack.enqueue(100, 0).await;
    // After five seconds there would be tokens for all of them; but only a second's worth and the
    // burst are handed over.
    stack.until_at_least("state = 'queued'", 25).await;
    stack.until("clock_timestamp() > created_at + interval '3 seconds'", 100).await;
    assert_eq!(stack.count("state = 'queued'").await, 25);
    let _worker = stack.worker(16);
    stack.until_drained().await;
    stack.assert_once_each(100).await;
    // In any second, no more jobs start than were in the broker plus those that the rate allows.
    let most = stack
        .number(
            "SELECT max((
                 SELECT count(*)
                 FROM jobs AS other
                 WHERE other.started_at BETWEEN job.started_at AND job.started_at + interval '1 second'
             ))
             FROM jobs AS job",
        )
        .await;
    assert!(most <= 60.0, "{most} started within a second");
    stack.close().await;
}
