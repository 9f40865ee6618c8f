use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Job, Kind, Queue};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::testing::TestWorkers;

/// Has time for one upload in an attempt.
#[derive(Debug, Serialize, Deserialize)]
struct Hurried {}

impl Job for Hurried {
    const KIND: Kind = Kind::new("test.hurried");
    const QUEUE: Queue = PurgeUploads::QUEUE;
}

impl Handler<Services> for Hurried {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::of_one_page();
        work_through(cx, turn, "purged", || purge(cx, turn, PAGE)).await
    }
}

#[tokio::test]
async fn a_turn_that_is_over_ends_a_page_of_uploads_before_its_last() {
    let workers = TestWorkers::new(Handlers::default().with::<Hurried>()).await;
    let user = workers.user("ada@example.com").await;
    let org = workers.org(user, "UTC").await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    for _ in 0..3 {
        store::insert_upload(&mut conn, org, user, "image/png", 1, std::time::Duration::ZERO).await.unwrap();
    }
    sqlx::query("UPDATE uploads SET expires_at = now() - interval '1 day'").execute(&mut *conn).await.unwrap();
    let _ = workers.ledger.enqueue(&Hurried {}).await.unwrap();
    let ticket = workers.queue.take().await.remove(0);
    workers.queue.run(ticket).await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(left, 2);
    let row = rows(&workers.db.pool, Hurried::KIND.name).await.remove(0);
    assert_eq!((row.state.as_str(), row.result), ("available", Some(json!({ "purged": 1 }))));
    drop(conn);
    workers.leave().await;
}
