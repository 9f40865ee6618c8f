use std::sync::atomic::{AtomicU32, Ordering};

use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Kind, Queue};
use serde::{Deserialize, Serialize};

use super::*;
use crate::testing::TestWorkers;

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Prunes one row at a time, and is out of time in every run but the last.
#[derive(Debug, Serialize, Deserialize)]
struct Hurried {}

impl Job for Hurried {
    const KIND: Kind = Kind::new("test.hurried");
    const QUEUE: Queue = PruneJobs::QUEUE;
}

impl Handler<Services> for Hurried {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let hurried = RUNS.fetch_add(1, Ordering::Relaxed) < 2;
        let latest = Instant::now() + if hurried { Duration::ZERO } else { Duration::from_hours(1) };
        sweep(&PruneJobs::DEFAULT, cx, 1, latest).await
    }
}

#[tokio::test]
async fn a_run_that_is_out_of_time_says_so_and_goes_on() {
    let workers = TestWorkers::new(Handlers::default().with::<Hurried>()).await;
    sqlx::query(
        "INSERT INTO jobs (state, queue, kind, payload, run_at, finished_at)
         SELECT 'succeeded', 'maintenance', 'test.old', '{}', now(), now() - interval '8 days' FROM generate_series(1, 4)",
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
    for left in [3, 2, 1] {
        assert_eq!(workers.queue.drain().await, 1);
        assert_eq!(rows(&workers.db.pool, "test.old").await.len(), left);
        workers.queue.make_due().await;
    }
    held.rollback().await.unwrap();
    let row = rows(&workers.db.pool, "test.hurried").await.remove(0);
    assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1), "{row:?}");
    assert_eq!(row.result, Some(json!({ "deleted": 1, "workers": 0 })));
    let lines: Vec<String> =
        sqlx::query_scalar("SELECT line FROM job_logs ORDER BY id").fetch_all(&workers.db.pool).await.unwrap();
    assert_eq!(lines, ["deleted 1 jobs; more may be left, going on"; 2]);
    workers.db.close().await;
}
