use shared::testing::TestDb;

use super::*;
use crate::listings::model::SaleMode;
use crate::testing::{eur, listing, placed, trader};

#[tokio::test]
async fn a_row_of_any_table_may_get_a_file_until_its_job_has_ended() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let sold = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    placed(&mut conn, buyer, sold, eur(10_000)).await;
    let mut ids = Vec::new();
    for insert in [
        "INSERT INTO exports (id, org_id, requested_by, kind, format) VALUES ($1, $2, $3, 'orders', 'csv')",
        "INSERT INTO papers (id, org_id, requested_by, kind, order_id) SELECT $1, $2, $3, 'picking_list', id FROM orders",
        "INSERT INTO reports (id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at)
         VALUES ($1, $2, $3, 'sales', 'csv', 'UTC', '2026-11-19', '2026-11-19', '2026-11-19', '2026-11-20')",
    ] {
        let id = Uuid::now_v7();
        sqlx::query(insert).bind(id).bind(seller.org).bind(seller.user).execute(&mut *conn).await.unwrap();
        ids.push(id);
    }
    assert!(without_file(&mut conn, &ids).await.unwrap().is_empty());
    // A job that is pruned has ended.
    for prune in ["UPDATE exports SET job_id = 0", "UPDATE papers SET job_id = 0", "UPDATE reports SET job_id = 0"] {
        sqlx::query(prune).execute(&mut *conn).await.unwrap();
    }
    let mut found = without_file(&mut conn, &ids).await.unwrap();
    found.sort();
    assert_eq!(found, ids);
    drop(conn);
    db.close().await;
}
