use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Job, Kind, Queue};

use super::*;
use crate::testing::TestWorkers;

/// Looks at one row in an attempt.
#[derive(Debug, Serialize, Deserialize)]
struct Hurried {}

impl Job for Hurried {
    const KIND: Kind = Kind::new("test.hurried");
    const QUEUE: Queue = PruneJobs::QUEUE;
}

impl Handler<Services> for Hurried {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        sweep(&PruneJobs::DEFAULT, cx, 1, Turn::of_one_page()).await
    }
}

/// Two rows are kept, however long it takes to walk past them; of those that go, somebody holds one.
#[tokio::test]
async fn a_run_that_is_out_of_time_says_so_and_goes_on() {
    let workers = TestWorkers::new(Handlers::default().with::<Hurried>()).await;
    sqlx::query(
        "INSERT INTO jobs (state, queue, kind, payload, run_at, finished_at)
         SELECT 'succeeded', 'maintenance', 'test.old', '{}', now(), now() - days * interval '1 day'
         FROM unnest('{1,8,8,1,8,8}'::integer[]) WITH ORDINALITY AS old (days, place)
         ORDER BY place",
    )
    .execute(&workers.db.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO workers (name, pool, host, pid, version, queues, kinds, concurrency, lease_until, stopped_at)
         SELECT 'old', pool, host, pid, version, queues, kinds, 1, lease_until, now() - interval '8 days' FROM workers",
    )
    .execute(&workers.db.pool)
    .await
    .unwrap();
    let _ = workers.ledger.enqueue(&Hurried {}).await.unwrap();
    // A row that somebody holds is left for another time, and holds nobody up.
    let mut held = workers.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM jobs WHERE kind = 'test.old' ORDER BY id DESC LIMIT 1 FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    assert_eq!(workers.queue.drain().await, 8, "an attempt for each of seven rows, and one that finds no more");
    held.rollback().await.unwrap();
    assert_eq!(rows(&workers.db.pool, "test.old").await.len(), 3);
    let row = rows(&workers.db.pool, "test.hurried").await.remove(0);
    assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1), "{row:?}");
    assert_eq!(row.result, Some(json!({ "deleted": 3, "workers": 1 })));
    let lines: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT line FROM job_logs").fetch_all(&workers.db.pool).await.unwrap();
    assert_eq!(lines, ["this attempt's time is over; the next one goes on from here"]);
    workers.close().await;
}
