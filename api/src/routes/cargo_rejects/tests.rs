use chrono::{DateTime, Utc};
use market::cargo::store::{Reject, count, keep_parked, park};
use serde_json::{Value, json};
use shared::audit;

use super::*;
use crate::testing::TestApi;

const ORG: OrgId = OrgId(uuid::Uuid::from_u128(7));

fn now() -> DateTime<Utc> {
    shared::clock::Clock::SYSTEM.now()
}

fn message(id: &str, occurred_at: &str) -> Value {
    json!({"org": ORG, "events": [{"source": "gps-7", "source_event_id": id, "shipment": "S-1", "type": "actual",
        "status": "in_transit", "occurred_at": occurred_at}]})
}

fn reject(body: &[u8]) -> Reject {
    Reject { reason: "so".to_owned(), bytes: body.to_vec(), routing_key: "cargo.actual".to_owned() }
}

/// Parks messages; returns their ids in order.
async fn parked(api: &TestApi, bodies: &[&[u8]]) -> Vec<i64> {
    let mut conn = api.db.pool.acquire().await.unwrap();
    park(&mut conn, &bodies.iter().map(|body| reject(body)).collect::<Vec<_>>()).await.unwrap();
    sqlx::query_scalar("SELECT id FROM cargo_rejects ORDER BY id").fetch_all(&mut *conn).await.unwrap()
}

async fn stored(api: &TestApi) -> u64 {
    count(&mut api.db.pool.acquire().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn rejects_are_listed_and_read() {
    let api = TestApi::new().await;
    let operator = api.staff(PlatformRole::Operator).await;
    let ids = parked(&api, &[b"one", b"two", b"\xffthree"]).await;
    let first = api.get(Some(&operator), "/v1/admin/cargo-rejects?limit=2").await.ok();
    let next = first["next"].as_str().unwrap();
    let second = api.get(Some(&operator), &format!("/v1/admin/cargo-rejects?limit=2&after={next}")).await.ok();
    let items = [first["items"].as_array().unwrap().clone(), second["items"].as_array().unwrap().clone()].concat();
    let listed: Vec<i64> = items.iter().map(|item| item["id"].as_i64().unwrap()).collect();
    assert_eq!(listed, ids.iter().rev().copied().collect::<Vec<_>>());
    assert!(second["next"].is_null());
    let read = api.get(Some(&operator), &format!("/v1/admin/cargo-rejects/{}", ids[2])).await.ok();
    assert_eq!((&read["text"], &read["whole"], &read["size"]), (&json!("\u{fffd}three"), &json!(true), &json!(6)));
    api.get(Some(&operator), "/v1/admin/cargo-rejects/999999").await.refused(404, "not_found");
    api.get(Some(&operator), "/v1/admin/cargo-rejects?limit=0").await.refused(400, "invalid_query");
    let moderator = api.staff(PlatformRole::Moderator).await;
    api.get(Some(&moderator), "/v1/admin/cargo-rejects").await.refused(403, "role_too_low");
    api.close().await;
}

#[tokio::test]
async fn a_reject_is_mended_and_recorded_once() {
    let api = TestApi::new().await;
    let operator = api.staff(PlatformRole::Operator).await;
    let ids = parked(&api, &[message("e-1", "1970-01-01T00:00:00Z").to_string().as_bytes(), b"not JSON"]).await;
    let replay = |id: i64, body: Value| {
        let path = format!("/v1/admin/cargo-rejects/{id}/replay");
        let (api, operator) = (&api, &operator);
        async move { api.post(Some(operator), &path, body).await }
    };
    let refused = replay(ids[0], json!({})).await.refused(422, "invalid_events");
    assert_eq!(refused.body["errors"][0]["pointer"], "/events/0/occurred_at");
    replay(ids[1], json!({})).await.refused(422, "reject_unreadable");
    let still = message("e-1", "9999-01-01T00:00:00Z");
    let refused = replay(ids[0], json!({"message": still})).await.refused(422, "invalid_events");
    assert_eq!(refused.body["errors"][0]["pointer"], "/message/events/0/occurred_at");
    let mut unknown = message("e-1", &now().to_rfc3339());
    unknown["events"][0]["colour"] = json!("red");
    let refused = replay(ids[0], json!({"message": unknown})).await.refused(400, "invalid_body");
    assert_eq!(refused.body["errors"][0]["pointer"], "/message/events/0/colour");
    replay(ids[0], json!({"message": {"org": ORG, "events": []}})).await.refused(422, "no_events");
    assert_eq!(stored(&api).await, 0);
    for id in &ids {
        let mended = message("e-1", &now().to_rfc3339());
        let sent = replay(*id, json!({"message": mended})).await.ok();
        assert_eq!(sent, json!({"sent": 1}));
        replay(*id, json!({})).await.refused(404, "not_found");
    }
    assert_eq!(stored(&api).await, 1, "both rejects were the same event");
    let mut conn = api.db.pool.acquire().await.unwrap();
    let entries = audit::page(&mut conn, Some(("cargo_reject", &ids[0].to_string())), None, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].action.as_str(), &entries[0].data["edited"]), ("cargo_rejects.replay", &json!(true)));
    assert_eq!(entries[0].actor, Some(operator.id));
    drop(conn);
    api.close().await;
}

/// What waits in no queue any more is part of the same list, body and all.
#[tokio::test]
async fn what_rabbitmq_gave_up_is_shown_mended_and_sent() {
    let api = TestApi::new().await;
    let operator = api.staff(PlatformRole::Operator).await;
    let sound = message("e-1", &now().to_rfc3339()).to_string();
    keep_parked(&mut api.db.pool.acquire().await.unwrap(), &reject(sound.as_bytes())).await.unwrap();
    let listed = api.get(Some(&operator), "/v1/admin/cargo-rejects").await.ok();
    assert_eq!((&listed["items"][0]["parked"], &listed["items"][0]["seen"]), (&json!(true), &json!(1)));
    let path = format!("/v1/admin/cargo-rejects/{}", listed["items"][0]["id"]);
    assert_eq!(api.get(Some(&operator), &path).await.ok()["text"], json!(sound));
    let mended = json!({"message": message("e-2", &now().to_rfc3339())});
    assert_eq!(api.post(Some(&operator), &format!("{path}/replay"), mended).await.ok(), json!({"sent": 1}));
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT source_event_id FROM cargo_events").fetch_all(&api.db.pool).await.unwrap();
    assert_eq!(stored, ["e-2"], "what was sent is the mended one, once");
    api.get(Some(&operator), &path).await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn a_reject_is_given_up() {
    let api = TestApi::new().await;
    let operator = api.staff(PlatformRole::Operator).await;
    let ids = parked(&api, &[b"x"]).await;
    let path = format!("/v1/admin/cargo-rejects/{}", ids[0]);
    assert_eq!(api.call(Some(&operator), reqwest::Method::DELETE, &path, json!({})).await.status.as_u16(), 204);
    api.call(Some(&operator), reqwest::Method::DELETE, &path, json!({})).await.refused(404, "not_found");
    let mut conn = api.db.pool.acquire().await.unwrap();
    let entries = audit::page(&mut conn, Some(("cargo_reject", &ids[0].to_string())), None, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["cargo_rejects.discard"]);
    drop(conn);
    api.close().await;
}
