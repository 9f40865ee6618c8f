use std::sync::atomic::{AtomicU64, Ordering};

use queue::testing::rows;
use queue::worker::{Handlers, StopReason};
use queue::{Handler, Job, Kind, Queue};
use serde::{Deserialize, Serialize};

use super::*;
use crate::Services;
use crate::testing::TestWorkers;

/// Has three pages of two rows, and time for one page in an attempt.
#[derive(Debug, Serialize, Deserialize)]
struct Hurried {}

static LEFT: AtomicU64 = AtomicU64::new(3);

impl Job for Hurried {
    const KIND: Kind = Kind::new("test.hurried");
    const QUEUE: Queue = jobs::queues::MAINTENANCE;
}

impl Handler<Services> for Hurried {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = if LEFT.load(Ordering::Relaxed) > 0 { Turn::of_one_page() } else { Turn::begin() };
        work_through(cx, turn, "done", || async move {
            let left = LEFT.load(Ordering::Relaxed);
            LEFT.store(left.saturating_sub(1), Ordering::Relaxed);
            Ok(if left > 0 { 2 } else { 0 })
        })
        .await
    }
}

#[tokio::test]
async fn work_whose_turn_is_over_goes_on_in_the_next_attempt_and_counts_on() {
    let workers = TestWorkers::new(Handlers::default().with::<Hurried>()).await;
    let _ = workers.ledger.enqueue(&Hurried {}).await.unwrap();
    assert_eq!(workers.queue.drain().await, 4, "one attempt for each page, and one that finds none left");
    let row = rows(&workers.db.pool, Hurried::KIND.name).await.remove(0);
    assert_eq!((row.state.as_str(), row.attempt), ("succeeded", 1), "{row:?}");
    assert_eq!(row.result, Some(json!({ "done": 6 })));
    workers.close().await;
}

/// Is asked to stop in its second page.
#[derive(Debug, Serialize, Deserialize)]
struct Stopped {}

static PAGES: AtomicU64 = AtomicU64::new(0);

impl Job for Stopped {
    const KIND: Kind = Kind::new("test.stopped");
    const QUEUE: Queue = jobs::queues::MAINTENANCE;
}

impl Handler<Services> for Stopped {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        work_through(cx, Turn::begin(), "done", || async move {
            if PAGES.fetch_add(1, Ordering::Relaxed) == 1 {
                cx.cancelled().await;
            }
            Ok(1)
        })
        .await
    }
}

#[tokio::test]
async fn work_that_is_stopped_with_rows_left_has_not_succeeded() {
    let workers = TestWorkers::new(Handlers::default().with::<Stopped>()).await;
    let job = workers.ledger.enqueue(&Stopped {}).await.unwrap().id();
    let ticket = workers.queue.take().await.remove(0);
    let running = workers.queue.start(ticket);
    while PAGES.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    workers.queue.stop(job, StopReason::Cancelled);
    running.await.unwrap();
    let row = rows(&workers.db.pool, Stopped::KIND.name).await.remove(0);
    assert_eq!((row.state.as_str(), row.result), ("cancelled", Some(json!({ "done": 2 }))));
    workers.close().await;
}
