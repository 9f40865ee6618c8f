use futures::FutureExt;
use serde::{Deserialize, Serialize};
use shared::config::{Config, Source};
use shared::testing::TestDb;

use crate::job::{Job, Kind, Queue};
use crate::registry::{KindInfo, Registry};
use crate::testing::queues;
use crate::transport::Brokers;

use super::*;

#[derive(Debug, Serialize, Deserialize)]
struct Mail {}

impl Job for Mail {
    const KIND: Kind = Kind::new("t.mail");
    const QUEUE: Queue = queues::EMAILS;
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {}

impl Job for Report {
    const KIND: Kind = Kind::new("t.report");
    const QUEUE: Queue = queues::REPORTS;
}

/// A dispatcher that leads both queues and runs no tasks.
fn dispatcher(db: &TestDb) -> Dispatcher {
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let brokers = Brokers::connect(&config, db.pool.clone());
    let registry = Arc::new(Registry::new([KindInfo::of::<Mail>(), KindInfo::of::<Report>()]).unwrap());
    let scheduler = Scheduler::over(db.pool.clone(), brokers, registry, "test".to_owned());
    let dispatcher = Dispatcher::new(&scheduler);
    for queue in dispatcher.queues.values() {
        let led = lead::Led { queue: queue.name.clone(), transport: None, changed_at: None };
        queue.renewed(Instant::now() + Duration::from_hours(1), Some(&led));
    }
    dispatcher
}

async fn count(db: &TestDb, state: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state::text = $1")
        .bind(state)
        .fetch_one(&db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn many_jobs_that_fall_due_at_once_do_not_keep_other_queues_asleep() {
    let db = TestDb::new().await;
    sqlx::query(
        "INSERT INTO jobs (state, queue, kind, payload, run_at)
         SELECT 'scheduled'::job_state, 'emails', 't.mail', '{}'::jsonb, now() - interval '1 minute' FROM generate_series(1, 4500)
         UNION ALL
         SELECT 'available'::job_state, 'reports', 't.report', '{}'::jsonb, now()",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let dispatcher = dispatcher(&db);
    assert!(dispatcher.round().await.unwrap(), "more is due");
    assert_eq!(count(&db, "scheduled").await, 2_500);
    for queue in dispatcher.queues.values() {
        assert!(queue.wake.notified().now_or_never().is_some(), "{} sleeps", queue.name);
    }
    assert!(dispatcher.round().await.unwrap(), "more is due");
    assert!(!dispatcher.round().await.unwrap(), "the rest fitted into a batch");
    assert_eq!(count(&db, "scheduled").await, 0);
    db.close().await;
}
