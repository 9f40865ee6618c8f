use serde_json::json;
use tests::installation::TestInstallation;
use tests::until::until_sql;

/// Somebody asks to be erased, is told when, and is after that day: no address and no name are left, nobody logs in, and what they
/// founded trades no more.
#[tokio::test(flavor = "multi_thread")]
async fn row_erasure_after_some_days() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let _ = ann.post("/v1/me/erase", json!({"password": "correct horse battery"})).await.ok();
    market.mail_to(&ann.email, "Your account will be erased").await;
    assert!(ann.get("/v1/me/erasure").await.ok()["due_at"].is_string());
    let sql = "UPDATE erasures SET asked_at = asked_at - interval '15 days', due_at = due_at - interval '15 days'";
    sqlx::query(sql).execute(&market.db.pool).await.unwrap();
    let job: i64 = sqlx::query_scalar("SELECT id FROM jobs WHERE kind = 'privacy.erase'")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    let _ = admin.post(&format!("/v1/jobs/{job}/run-now"), json!({})).await.ok();
    until_sql(&market.db.pool, "SELECT count(*) FROM erasures WHERE erased_at IS NOT NULL", 1).await;
    ann.get("/v1/me").await.refused(401, "session_ended");
    let found = admin.get(&format!("/v1/admin/users?email={}", ann.email)).await.ok();
    assert_eq!(found["items"], json!([]), "{found}");
    assert_eq!(admin.get(&format!("/v1/orgs/{}", ann.org)).await.ok()["status"], "suspended");
    market.close().await;
}
