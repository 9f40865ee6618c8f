use market::identity::PlatformRole;
use market::payments::Provider;
use market::reconciliation::model::{DifferenceKind, Found};
use market::reconciliation::store::{self, Seen};
use serde_json::json;

use crate::testing::TestApi;

#[tokio::test]
async fn finance_has_payments_compared_and_closes_what_differs() {
    let api = TestApi::with(&[("PAYMENTS_KEY", "key"), ("PAYMENTS_WEBHOOK_KEY", "webhooks")]).await;
    let finance = api.staff(PlatformRole::Finance).await;
    let begun = api.post(Some(&finance), "/v1/admin/payments/reconcile", json!({})).await;
    assert_eq!(begun.status, 202);
    assert!(begun.headers["link"].to_str().unwrap().ends_with("rel=\"monitor\""));
    let again = api.post(Some(&finance), "/v1/admin/payments/reconcile", json!({})).await.ok();
    assert_eq!(again["job"], begun.body["job"], "one at a time");
    for since in ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
        let wrong = api.post(Some(&finance), "/v1/admin/payments/reconcile", json!({"since": since})).await;
        wrong.refused(422, "invalid_value");
    }

    let found = [Found {
        kind: DifferenceKind::Amount,
        subject: "payment/1".to_owned(),
        ours: Some(json!({"amount": 1})),
        theirs: Some(json!({"amount": 2})),
    }];
    let mut conn = api.db.pool.acquire().await.unwrap();
    let until = market::testing::database_time(&mut conn).await;
    let since = until - chrono::TimeDelta::days(1);
    let seen = Seen { provider: Provider::Simulator, since, until, compared: 1, found: &found };
    assert_eq!(store::record(&mut conn, seen).await.unwrap(), 1);
    assert_eq!(store::record(&mut conn, seen).await.unwrap(), 0, "once");
    drop(conn);
    let listed = api.get(Some(&finance), "/v1/admin/reconciliation-differences?open=true").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!((&listed["items"][0]["ours"], &listed["items"][0]["kind"]), (&json!({"amount": 1}), &json!("amount")));
    let path = format!("/v1/admin/reconciliation-differences/{}/close", listed["items"][0]["id"].as_str().unwrap());
    api.post(Some(&finance), &path, json!({"reason": ""})).await.refused(422, "reason_length");
    let closed = api.post(Some(&finance), &path, json!({"reason": "a typing error"})).await.ok();
    assert_eq!((&closed["note"], &closed["closed_by"]), (&json!("a typing error"), &json!(finance.id)));
    api.post(Some(&finance), &path, json!({"reason": "again"})).await.refused(409, "difference_closed");
    let missing = format!("/v1/admin/reconciliation-differences/{}/close", finance.id);
    api.post(Some(&finance), &missing, json!({"reason": "so"})).await.refused(404, "not_found");
    let left = api.get(Some(&finance), "/v1/admin/reconciliation-differences?open=true").await.ok();
    assert_eq!(left["items"], json!([]));
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_entries WHERE action = 'reconciliation.close'")
        .fetch_one(&api.db.pool)
        .await
        .unwrap();
    assert_eq!(entries, 1);
    api.close().await;
}
