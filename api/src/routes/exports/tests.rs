use jobs::exports::GenerateExport;
use market::exports::store;
use market::identity::PlatformRole;
use market::ids::ExportId;
use queue::testing::assert_enqueued;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

struct TestMarket {
    api: TestApi,
    ann: Person,
    eve: Person,
}

impl TestMarket {
    async fn new() -> Self {
        let api = TestApi::with(&[("S3_ACCESS_KEY_ID", "key"), ("S3_SECRET_ACCESS_KEY", "secret")]).await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
        api.org(&ann, "Ann Farm", &moderator).await;
        api.org(&eve, "Eve Farm", &moderator).await;
        Self { api, ann, eve }
    }

    /// As the worker does it.
    async fn finish(&self, export: &Value) {
        let id: ExportId = export["id"].as_str().unwrap().parse().unwrap();
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        store::begin(&mut conn, id).await.unwrap();
        store::finish(&mut conn, id, "exports/x", 2, 30).await.unwrap();
    }
}

fn orders() -> Value {
    json!({"kind": "orders", "format": "csv"})
}

#[tokio::test]
async fn an_export_is_asked_for_made_and_downloaded() {
    let market = TestMarket::new().await;
    let TestMarket { api, ann, eve } = &market;
    let answer = api.post(Some(ann), "/v1/exports", orders()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let export = answer.ok();
    let id: ExportId = export["id"].as_str().unwrap().parse().unwrap();
    assert_eq!((location.clone(), export["status"].as_str()), (format!("/v1/exports/{id}"), Some("queued")));
    assert_enqueued::<GenerateExport>(&api.db.pool, |job| job.export == id).await;
    market.finish(&export).await;
    let ready = api.get(Some(ann), &location).await.ok();
    assert_eq!((ready["status"].as_str(), ready["row_count"].as_i64()), (Some("ready"), Some(2)));
    let download = &ready["download"];
    assert!(download["file_name"].as_str().unwrap().starts_with("orders_20"), "{download}");
    assert!(download["url"].as_str().unwrap().contains("X-Amz-Expires=900"), "{download}");
    // What another bidder would have gone up to may be in it, so an administrator does not read what others asked for.
    let admin = api.admin().await;
    for other in [eve, &admin] {
        assert!([403, 404].contains(&api.get(Some(other), &location).await.status.as_u16()));
    }
    assert_eq!(api.get(Some(ann), "/v1/exports?limit=1").await.ok()["items"][0]["id"], ready["id"]);
    assert_eq!(api.get(Some(ann), "/v1/me/export").await.ok()["items"][0]["id"], ready["id"]);
    assert_eq!(api.get(Some(eve), "/v1/exports").await.ok()["items"], json!([]));
    assert_eq!(api.get(Some(eve), "/v1/me/export").await.ok()["items"], json!([]));
    api.post(Some(ann), &format!("{location}/cancel"), json!({})).await.refused(409, "wrong_state");
    market.api.close().await;
}

#[tokio::test]
async fn only_the_person_reads_their_own_data() {
    let market = TestMarket::new().await;
    let TestMarket { api, ann, eve } = &market;
    let answer = api.post(Some(ann), "/v1/me/export", json!({})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let export = answer.ok();
    assert_eq!((&export["kind"], &export["format"]), (&json!("own_data"), &json!("zip")));
    api.post(Some(ann), "/v1/me/export", json!({})).await.refused(409, "export_in_progress");
    market.finish(&export).await;
    let admin = api.admin().await;
    for other in [eve, &admin] {
        api.get(Some(other), &location).await.refused(404, "not_found");
        api.post(Some(other), &format!("{location}/cancel"), json!({})).await.refused(404, "not_found");
    }
    let ready = api.get(Some(ann), &location).await.ok();
    assert!(ready["download"]["file_name"].as_str().unwrap().starts_with("own_data_20"), "{ready}");
    // It is the person's, not the organisation's.
    assert_eq!(api.get(Some(ann), "/v1/exports").await.ok()["items"], json!([]));
    assert_eq!(api.post(Some(ann), "/v1/me/export", json!({})).await.status, 202);
    market.api.close().await;
}

#[tokio::test]
async fn nonsense_is_refused() {
    let TestMarket { api, ann, eve } = &TestMarket::new().await;
    let with = |filters: Value| json!({"kind": "orders", "format": "csv", "filters": filters});
    for filters in [
        json!({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
        json!({"status": "draft"}),
        json!({"status": ""}),
        json!({"status": "x".repeat(10_000)}),
    ] {
        api.post(Some(ann), "/v1/exports", with(filters)).await.refused(422, "filters_invalid");
    }
    for body in [
        json!({"kind": "own_data", "format": "zip"}),
        json!({"kind": "orders", "format": "zip"}),
        with(json!({"from": "yesterday"})),
        with(json!({"status": "paid", "other": 1})),
    ] {
        api.post(Some(ann), "/v1/exports", body).await.refused(400, "invalid_body");
    }
    let everybody = json!({"kind": "bids", "format": "csv", "everybody": true});
    api.post(Some(ann), "/v1/exports", everybody.clone()).await.refused(403, "role_too_low");
    let org = api.get(Some(eve), "/v1/orgs").await.ok()["items"][0]["id"].clone();
    let org = org.as_str().unwrap();
    api.post(Some(&ann.acting(org)), "/v1/exports", orders()).await.refused(403, "not_a_member");
    let admin = api.admin().await;
    assert_eq!(api.post(Some(&admin.acting(org)), "/v1/exports", orders()).await.status, 202);
    let answer = api.post(Some(&admin), "/v1/exports", everybody).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    assert!(api.get(Some(&admin), &location).await.ok()["org"].is_null());
    api.get(Some(ann), &location).await.refused(404, "not_found");
    assert_eq!(api.get(Some(&admin), "/v1/me/export").await.ok()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_waiting_export_is_cancelled_at_once_and_too_many_must_wait() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    let mut locations = Vec::new();
    for _ in 0..store::MAX_OPEN {
        let answer = api.post(Some(ann), "/v1/exports", orders()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        locations.push(answer.headers["location"].to_str().unwrap().to_owned());
    }
    let answer = api.post(Some(ann), "/v1/exports", orders()).await;
    assert!(answer.refused(429, "too_many_exports").headers.contains_key("retry-after"));
    let cancelled = api.post(Some(ann), &format!("{}/cancel", locations[0]), json!({})).await.ok();
    assert_eq!(cancelled["cancelled"], "at_once");
    assert_eq!(api.get(Some(ann), &locations[0]).await.ok()["status"], "cancelled");
    assert_eq!(api.post(Some(ann), "/v1/exports", orders()).await.status, 202);
}
