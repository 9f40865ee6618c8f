use market::listings::model::SaleMode;
use market::testing::{listing, trader};
use queue::Job;
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use super::*;
use crate::testing::TestWorkers;

#[tokio::test]
async fn prices_follow_the_newest_rates_once() {
    let workers = TestWorkers::new(Handlers::default().with::<ConvertPrices>()).await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let seller = trader(&mut conn).await;
    for _ in 0..2 {
        listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    }
    // One of them asks for 100 dollars.
    sqlx::raw_sql(
        "SET session_replication_role = replica;
         UPDATE listing_search SET currency = 'USD' WHERE listing_id = (SELECT listing_id FROM listing_search LIMIT 1);
         SET session_replication_role = origin;
         WITH snapshot AS (
             INSERT INTO fx_snapshots (source, day, rates, checksum) VALUES ('ecb', '2026-01-05', 1, sha256('a')) RETURNING id
         )
         INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro) SELECT id, 1, 1, 'USD', 1.25 FROM snapshot",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    for converted in [1, 0] {
        let _ = workers.ledger.enqueue(&ConvertPrices {}).await.unwrap();
        workers.queue.drain().await;
        let job = rows(&workers.db.pool, ConvertPrices::KIND.name).await.pop().unwrap();
        assert_eq!((job.state.as_str(), job.result), ("succeeded", Some(json!({ "converted": converted }))));
        let euros: Vec<f64> =
            sqlx::query_scalar("SELECT euros FROM listing_search ORDER BY euros").fetch_all(&mut *conn).await.unwrap();
        assert_eq!(euros, [80.0, 100.0]);
    }
    drop(conn);
    workers.close().await;
}
