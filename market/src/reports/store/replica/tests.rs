use shared::testing::TestDb;
use sqlx::Connection;

use super::*;

#[tokio::test]
async fn a_report_is_planned_for_what_it_asks() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let mode = async |conn: &mut PgConnection| -> String {
        sqlx::query_scalar("SELECT current_setting('plan_cache_mode')").fetch_one(conn).await.unwrap()
    };
    // As the sessions of workers are.
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut *conn).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    begin_reading(&mut tx).await.unwrap();
    assert_eq!(mode(&mut tx).await, "force_custom_plan");
    tx.rollback().await.unwrap();
    assert_eq!(mode(&mut conn).await, "force_generic_plan");
    drop(conn);
    db.close().await;
}
