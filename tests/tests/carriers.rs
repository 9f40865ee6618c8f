//! The same stack over each of the three carriers, and from one to the other while jobs flow.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not work")]

use std::time::Duration;

use jobs::kit::enqueue::Enqueue;
use jobs::kit::job::Carrier;
use jobs::kit::ops::queues::QueueChange;
use tests::stage::Stage;
use tests::touch::{Touch, Urgent};

/// A row that was inserted as queued has one time for both; a dispatcher's turn comes later.
const AT_ONCE: &str = "queued_at = run_at";

async fn everything_runs_once(carrier: Carrier) {
    let stage = Stage::new(carrier).await;
    let _scheduler = stage.scheduler();
    let workers = [stage.worker(16), stage.worker(16)];
    stage.enqueue(500, 0).await;
    stage.until_drained().await;
    stage.assert_once_each(500).await;
    for worker in workers {
        worker.stop.cancel();
        worker.task.await.unwrap().unwrap();
    }
    assert_eq!(stage.count("state = 'running'").await, 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_once_over_redis() {
    everything_runs_once(Carrier::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_once_over_rabbit() {
    everything_runs_once(Carrier::Rabbit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_once_over_postgres_alone() {
    everything_runs_once(Carrier::Local).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_moves_between_carriers_while_jobs_flow() {
    let stage = Stage::new(Carrier::Redis).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(8);
    stage.enqueue(1_500, 10).await;
    for carrier in [Carrier::Rabbit, Carrier::Local, Carrier::Redis] {
        let done = stage.count("state = 'succeeded'").await;
        let mut conn = stage.pool().acquire().await.unwrap();
        let change = QueueChange { transport: Some(carrier), ..QueueChange::default() };
        jobs::kit::ops::queues::set(&mut conn, "touch", &change).await.unwrap();
        drop(conn);
        // It flows on the new carrier before it is moved again.
        while stage.count("state = 'succeeded'").await < done + 100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    stage.until_drained().await;
    stage.assert_once_each(1_500).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fast_path_needs_no_dispatcher_turn_and_loses_nothing() {
    let stage = Stage::new(Carrier::Redis).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(16);
    let ledger = stage.ledger();
    let mut count = 0;
    // The path opens when the budgets have been read.
    while stage.count(AT_ONCE).await == 0 {
        ledger.enqueue(&Touch { n: count, ..Touch::default() }).await.unwrap();
        count += 1;
    }
    for _ in 0..200 {
        ledger.enqueue(&Touch { n: count, ..Touch::default() }).await.unwrap();
        count += 1;
    }
    stage.until_drained().await;
    stage.assert_once_each(count).await;
    // A machine under load may close the path for a moment.
    assert!(stage.count(AT_ONCE).await >= 100, "the dispatcher took part");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_jobs_overtake_a_backlog() {
    let stage = Stage::new(Carrier::Redis).await;
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
    let stage = Stage::new(Carrier::Redis).await;
    stage.set("max_inflight = 4").await;
    let tenants: Vec<_> = (0..3).map(|_| shared::ids::OrgId::generate()).collect();
    let job = |n: i32, tenant| Enqueue::new(&Touch { n, tenant: Some(tenant), millis: 1, ..Touch::default() });
    // The first tenant comes with a flood, the others with ten jobs each behind it.
    let mut all: Vec<_> = (0..300).map(|n| job(n, tenants[0])).collect();
    all.extend((300..310).map(|n| job(n, tenants[1])));
    all.extend((310..320).map(|n| job(n, tenants[2])));
    let mut conn = stage.pool().acquire().await.unwrap();
    jobs::kit::enqueue::enqueue_all(&mut conn, &all).await.unwrap();
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
    let stage = Stage::new(Carrier::Rabbit).await;
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
    let stage = Stage::new(Carrier::Local).await;
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
async fn a_paused_queue_starts_nothing_and_resumes() {
    let stage = Stage::new(Carrier::Rabbit).await;
    let _scheduler = stage.scheduler();
    let _worker = stage.worker(2);
    stage.enqueue(200, 20).await;
    stage.until("state = 'succeeded' AND payload ->> 'n' = '5'", 1).await;
    let mut conn = stage.pool().acquire().await.unwrap();
    jobs::kit::ops::queues::pause(&mut conn, "touch").await.unwrap();
    stage.until("state IN ('queued', 'running')", 0).await;
    let done = stage.count("state = 'succeeded'").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.count("state = 'succeeded'").await, done, "a paused queue went on");
    jobs::kit::ops::queues::resume(&mut conn, "touch").await.unwrap();
    drop(conn);
    stage.until_drained().await;
    stage.assert_once_each(200).await;
    stage.close().await;
}
