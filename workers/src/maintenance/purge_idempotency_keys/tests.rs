use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;
use shared::idempotency::{Answer, Begun, Key, begin, store};
use uuid::Uuid;

use super::*;
use crate::testing::TestWorkers;

#[tokio::test]
async fn old_answers_go_and_young_ones_stay() {
    let workers = TestWorkers::new(Handlers::default().with::<PurgeIdempotencyKeys>()).await;
    let (owner, hash) = (Uuid::now_v7(), [7; 32]);
    let mut conn = workers.db.pool.acquire().await.unwrap();
    for key in ["old", "young"] {
        let answer = Answer { status: 201, headers: None, response: b"{}".to_vec() };
        store(&mut conn, &[(Key { owner, key, hash: &hash }, &answer)]).await.unwrap();
    }
    sqlx::query("UPDATE idempotency_keys SET created_at = now() - interval '73 hours' WHERE key = 'old'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let _ = workers.ledger.enqueue(&PurgeIdempotencyKeys::DEFAULT).await.unwrap();
    workers.queue.drain().await;
    let mut known = Vec::new();
    for key in ["old", "young"] {
        known.push(matches!(begin(&mut conn, Key { owner, key, hash: &hash }).await.unwrap(), Begun::Answered(_)));
    }
    assert_eq!(known, [false, true]);
    let job = rows(&workers.db.pool, "idempotency.purge").await.remove(0);
    assert_eq!((job.state.as_str(), job.result), ("succeeded", Some(json!({ "deleted": 1 }))));
    drop(conn);
    workers.close().await;
}
