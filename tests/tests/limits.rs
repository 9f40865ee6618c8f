//! Who goes first and how many at once: priorities, tenants, windows and limits, with the fast path and without.

use std::time::Duration;

use queue::enqueue::{Enqueue, enqueue_all};
use queue::ops::queues::{Change, QueueChange};
use queue::transport::Transport;
use shared::ids::OrgId;
use tests::stage::Stage;
use tests::touch::{Touch, Urgent};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn urgent_jobs_overtake_a_backlog() {
    let stage = Stage::new(Transport::Redis).await;
    stage.set("max_inflight = 4").await;
    stage.enqueue(200, 5).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(4);
    stage.until("state = 'succeeded' AND kind = 'tests.touch' AND payload ->> 'n' = '20'", 1).await;
    let mut conn = stage.pool().acquire().await.unwrap();
    Enqueue::new(&Urgent { n: 1_000 }).insert(&mut conn).await.unwrap();
    drop(conn);
    stage.until_drained().await;
    let order = stage.order().await;
    let place = order.iter().position(|&n| n == 1_000).unwrap();
    assert!(place < 150, "the urgent job came {place}th of {}", order.len());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_share_a_queue_fairly() {
    let stage = Stage::new(Transport::Redis).await;
    stage.set("max_inflight = 4").await;
    let tenants: Vec<_> = (0..3).map(|_| OrgId::generate()).collect();
    let job = |n: i32, tenant| Enqueue::new(&Touch { n, tenant: Some(tenant), millis: 1, ..Touch::default() });
    // The first tenant comes with a flood, the others with ten jobs each behind it.
    let mut all: Vec<_> = (0..300).map(|n| job(n, tenants[0])).collect();
    all.extend((300..310).map(|n| job(n, tenants[1])));
    all.extend((310..320).map(|n| job(n, tenants[2])));
    let mut conn = stage.pool().acquire().await.unwrap();
    enqueue_all(&mut conn, &all).await.unwrap();
    drop(conn);
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(4);
    stage.until_drained().await;
    stage.assert_once_each(320).await;
    let order = stage.order().await;
    let last_small = order.iter().rposition(|&n| n >= 300).unwrap();
    assert!(last_small < 120, "the small tenants waited behind {last_small} jobs of the flood");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_concurrency_limit_holds_over_all_workers() {
    let stage = Stage::new(Transport::Rabbit).await;
    stage.set("concurrency_limit = 3").await;
    stage.enqueue(60, 20).await;
    let _scheduler = stage.scheduler();
    let _workers = [stage.worker(16), stage.worker(16)];
    let mut most = 0;
    while stage.count("state < 'succeeded'").await > 0 {
        most = most.max(stage.count("state IN ('queued', 'running')").await);
    }
    assert!(most <= 3, "{most} were under way at once");
    stage.assert_once_each(60).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_holds() {
    let stage = Stage::new(Transport::Local).await;
    stage.set("rate_per_second = 20, rate_burst = 5").await;
    stage.enqueue(25, 0).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(16);
    stage.until_drained().await;
    let span: f64 =
        sqlx::query_scalar("SELECT extract(epoch FROM max(queued_at) - min(queued_at))::double precision FROM jobs")
            .fetch_one(stage.pool())
            .await
            .unwrap();
    // 25 jobs, at most 5 at once and 20 a second: the last leaves no sooner than a second after the first.
    assert!(span >= 0.9, "25 jobs left within {span} s");
    stage.assert_once_each(25).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_room_for_one_job_the_tenants_alternate() {
    let stage = Stage::new(Transport::Redis).await;
    stage.set("concurrency_limit = 1").await;
    let job = |n: i32, tenant: u128| {
        Enqueue::new(&Touch { n, tenant: Some(OrgId(Uuid::from_u128(tenant))), ..Touch::default() })
    };
    // The flood is that of the tenant who comes first in every order.
    let mut all: Vec<_> = (0..100).map(|n| job(n, 1)).collect();
    all.extend((100..105).map(|n| job(n, 2)));
    all.extend((105..110).map(|n| job(n, 3)));
    enqueue_all(&mut stage.pool().acquire().await.unwrap(), &all).await.unwrap();
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(4);
    stage.until_drained().await;
    stage.assert_once_each(110).await;
    let order = stage.order().await;
    let last_small = order.iter().rposition(|&n| n >= 100).unwrap();
    assert_eq!(last_small, 14, "three tenants take five turns each: {:?}", &order[..40]);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_job_does_not_wait_behind_a_window_full_of_slow_ones() {
    let stage = Stage::new(Transport::Redis).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(16);
    // The worker tells how long jobs take with its next heartbeat.
    stage.enqueue(32, 250).await;
    stage.until("state = 'succeeded' AND EXISTS (SELECT FROM workers WHERE run_micros ? 'touch')", 32).await;
    stage.enqueue(400, 250).await;
    stage.until_at_least("state = 'succeeded'", 64).await;
    Enqueue::new(&Urgent { n: 1_000 }).insert(&mut stage.pool().acquire().await.unwrap()).await.unwrap();
    stage.until("kind = 'tests.urgent' AND state = 'succeeded'", 1).await;
    let place = stage.order().await.iter().position(|&n| n == 1_000).unwrap();
    assert!(place < 300, "the urgent job came {place}th of 433");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_set_while_jobs_flow_holds_from_then_on() {
    let stage = Stage::new(Transport::Redis).await;
    let _scheduler = stage.scheduler();
    let _workers = [stage.worker(16), stage.worker(16)];
    let ledger = stage.fast_ledger().await;
    stage.enqueue(300, 30).await;
    stage.until_at_least("state = 'succeeded'", 50).await;
    stage.change(QueueChange { concurrency_limit: Change::To(3), ..QueueChange::default() }).await;
    // The fast path goes on enqueuing; those who have not seen the limit yet are taken back once it has settled.
    let mut n = 300;
    while stage.number("SELECT extract(epoch FROM clock_timestamp() - changed_at) FROM queues").await < 5.0 {
        ledger.enqueue(&Touch { n, millis: 10, ..Touch::default() }).await.unwrap();
        n += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.until_drained().await;
    stage.assert_once_each(n).await;
    let most = stage
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
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limited_queue_without_workers_builds_up_no_burst() {
    let stage = Stage::new(Transport::Local).await;
    stage.set("rate_per_second = 20, rate_burst = 5").await;
    let _scheduler = stage.scheduler();
    stage.enqueue(100, 0).await;
    // Tokens for all of them would be there within five seconds; a second's worth and the burst are handed over.
    stage.until_at_least("state = 'queued'", 25).await;
    stage.until("clock_timestamp() > created_at + interval '3 seconds'", 100).await;
    assert_eq!(stage.count("state = 'queued'").await, 25);
    let _worker = stage.worker(16);
    stage.until_drained().await;
    stage.assert_once_each(100).await;
    // In any second no more start than lay in the broker and what the rate gives.
    let most = stage
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
    stage.close().await;
}
