use shared::testing::TestDb;

use super::*;

#[tokio::test]
async fn the_database_knows_the_same_countries() {
    let db = TestDb::new().await;
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT code FROM countries ORDER BY code").fetch_all(&db.pool).await.unwrap();
    assert!(all().eq(rows.iter().map(String::as_str)));
    db.close().await;
}
