use jobs::webhooks::DeliverWebhook;
use queue::testing::{assert_enqueued, enqueued};
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

fn hook(url: &str) -> Value {
    json!({"url": url, "name": "Shop", "events": ["order.*"]})
}

async fn owner(api: &TestApi) -> Person {
    let (admin, ann) = (api.admin().await, api.person("Ann").await);
    api.org(&ann, "Ann Farm", &admin).await;
    ann
}

fn path(endpoint: &Value) -> String {
    format!("/v1/webhook-endpoints/{}", endpoint["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_endpoint_must_be_for_everybody_and_is_there_once() {
    let api = TestApi::new().await;
    let ann = owner(&api).await;
    for url in [
        "http://shop.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://user:pw@shop.example/",
        "https://shop.example/#a",
        "ftp://shop.example/",
        "shop.example",
    ] {
        let refused = api.post(Some(&ann), "/v1/webhook-endpoints", hook(url)).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], "/url", "{url}");
    }
    for (body, pointer) in [
        (json!({"url": "https://shop.example/", "name": "", "events": ["order.*"]}), "/name"),
        (json!({"url": "https://shop.example/", "name": "Shop", "events": []}), "/events"),
        (json!({"url": "https://shop.example/", "name": "Shop", "events": vec!["order.paid"; 21]}), "/events"),
    ] {
        let refused = api.post(Some(&ann), "/v1/webhook-endpoints", body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let made = api.post(Some(&ann), "/v1/webhook-endpoints", hook("https://shop.example/hooks")).await.ok();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
    let again = api.post(Some(&ann), "/v1/webhook-endpoints", hook("https://shop.example/hooks")).await;
    assert_eq!(again.refused(422, "invalid_value").body["errors"][0]["pointer"], "/url");
    let read = api.get(Some(&ann), &path(&made)).await.ok();
    assert!(read["secret"].is_null() && read["status"] == "active", "{read}");
    let private = json!({"url": "https://10.0.0.1/"});
    api.call(Some(&ann), Method::PATCH, &path(&made), private).await.refused(422, "invalid_value");
    let changed = json!({"events": ["order.paid", "order.refunded"]});
    let changed = api.call(Some(&ann), Method::PATCH, &path(&made), changed).await.ok();
    assert_eq!((&changed["events"], &changed["url"]), (&json!(["order.paid", "order.refunded"]), &made["url"]));
    assert_eq!(api.call(Some(&ann), Method::DELETE, &path(&made), json!({})).await.status, 204);
    api.get(Some(&ann), &path(&made)).await.refused(404, "not_found");
    // Its address is free again.
    api.post(Some(&ann), "/v1/webhook-endpoints", hook("https://shop.example/hooks")).await.ok();
    api.close().await;
}

#[tokio::test]
async fn a_test_is_a_delivery_of_its_own_and_waits_for_nothing_that_is_paused() {
    let api = TestApi::new().await;
    let ann = owner(&api).await;
    let made = api.post(Some(&ann), "/v1/webhook-endpoints", hook("https://shop.example/hooks")).await.ok();
    let (at, test) = (path(&made), format!("{}/test", path(&made)));
    let sent = api.post(Some(&ann), &test, json!({})).await;
    assert_eq!(sent.headers["location"], format!("/v1/webhook-deliveries/{}", sent.body["id"].as_str().unwrap()));
    let delivery = sent.ok();
    assert_eq!((&delivery["event"], &delivery["status"]), (&json!("webhook.test"), &json!("waiting")));
    let id = delivery["id"].clone();
    assert_enqueued::<DeliverWebhook>(&api.db.pool, move |job| json!(job.delivery) == id).await;
    let waits = format!("/v1/webhook-deliveries/{}", delivery["id"].as_str().unwrap());
    // It waits already.
    api.post(Some(&ann), &format!("{waits}/replay"), json!({})).await.ok();
    assert_eq!(enqueued::<DeliverWebhook>(&api.db.pool).await.len(), 1);

    let paused = api.post(Some(&ann), &format!("{at}/pause"), json!({})).await.ok();
    assert_eq!((&paused["status"], &paused["reason"]), (&json!("paused"), &json!("asked")));
    assert_eq!(api.get(Some(&ann), &waits).await.ok()["status"], "missed");
    api.post(Some(&ann), &test, json!({})).await.refused(409, "endpoint_not_active");
    api.post(Some(&ann), &format!("{waits}/replay"), json!({})).await.refused(409, "endpoint_not_active");
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    api.post(Some(&ann), &format!("{at}/replay"), since.clone()).await.refused(409, "endpoint_not_active");
    api.post(Some(&ann), &format!("{at}/resume"), json!({})).await.ok();
    let replayed = api.post(Some(&ann), &format!("{at}/replay"), since).await.ok();
    assert_eq!(replayed, json!({"deliveries": 1, "more": false}));
    assert_eq!(api.get(Some(&ann), &waits).await.ok()["status"], "waiting");
    let listed = api.get(Some(&ann), &format!("{at}/deliveries?status=waiting")).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let listed = api.get(Some(&ann), &format!("{at}/deliveries?status=failed")).await.ok();
    assert!(listed["items"].as_array().unwrap().is_empty());
    api.close().await;
}

#[tokio::test]
async fn a_development_setting_lets_webhooks_go_anywhere() {
    let api = TestApi::with(&[("WEBHOOK_PRIVATE_TARGETS", "true")]).await;
    let ann = owner(&api).await;
    api.post(Some(&ann), "/v1/webhook-endpoints", hook("http://127.0.0.1:7399/hooks")).await.ok();
    api.close().await;
}
