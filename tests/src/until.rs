//! Waiting for what a test expects.

use std::time::{Duration, Instant};

use sqlx::PgPool;

/// How long a condition may take: far longer than it should, so that only a hang fails a test.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `sql` counts exactly `wanted`.
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test without its database ends here")]
pub async fn until_sql(pool: &PgPool, sql: &str, wanted: i64) {
    let started = Instant::now();
    loop {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(pool).await;
        let count: i64 = count.expect("the database answers");
        if count == wanted {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{sql}: {count}, not {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until this holds.
pub async fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "it does not come to hold");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
