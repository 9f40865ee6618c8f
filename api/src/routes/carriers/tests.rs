use chrono::TimeDelta;
use market::cargo::store::count;
use market::carriers::rules::{secret, signature};
use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::testing::{self, Person, TestApi};

/// A carrier's system.
struct System<'a> {
    api: &'a TestApi,
    path: String,
    key: Vec<u8>,
}

impl System<'_> {
    /// Sends a webhook that was signed so long ago.
    async fn send(&self, id: &str, ago: TimeDelta, body: &Value) -> testing::Answer {
        let (at, body) = (self.api.state.clock.now() - ago, body.to_string());
        let signature = signature::sign(&self.key, id, at, body.as_bytes());
        self.send_as(id, &at.timestamp().to_string(), &signature, body).await
    }

    async fn now(&self, id: &str, body: &Value) -> testing::Answer {
        self.send(id, TimeDelta::zero(), body).await
    }

    async fn send_as(&self, id: &str, timestamp: &str, signature: &str, body: String) -> testing::Answer {
        let request = self.api.request(Method::POST, &self.path).header("content-type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp);
        self.api.send(request.header("webhook-signature", signature).body(body)).await
    }
}

fn key(answer: &Value) -> Vec<u8> {
    secret::read(answer["secret"].as_str().unwrap()).unwrap()
}

async fn dealer(api: &TestApi) -> Person {
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann's Tractors", &moderator).await;
    ann
}

async fn register<'a>(api: &'a TestApi, ann: &Person, slug: &str) -> (System<'a>, String) {
    let made = api.post(Some(ann), "/v1/carriers", json!({"slug": slug, "name": "Hansa Freight"})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (location, made) = (made.headers["location"].to_str().unwrap().to_owned(), made.ok());
    let address = made["address"].as_str().unwrap();
    let path = address.strip_prefix(&api.state.config.http.public_url).unwrap().to_owned();
    (System { api, path, key: key(&made) }, location)
}

fn event(api: &TestApi, id: &str) -> Value {
    json!({"source_event_id": id, "shipment": "S-1", "type": "actual", "status": "in_transit",
        "occurred_at": api.state.clock.now()})
}

#[tokio::test]
async fn what_a_carrier_signs_is_taken_once_and_answered_alike() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let (hansa, location) = register(&api, &ann, "hansa").await;
    let mut strange = event(&api, "e-3");
    strange["occurred_at"] = json!("1970-01-01T00:00:00Z");
    let body = json!([event(&api, "e-1"), event(&api, "e-2"), strange]);
    let first = hansa.now("msg_1", &body).await;
    assert_eq!((first.status.as_u16(), &first.body["accepted"]), (202, &json!(2)), "{first:?}");
    assert_eq!(first.body["quarantined"][0]["pointer"], "/2/occurred_at");
    // It is sent again later, with another time and so another signature.
    for ago in [0, 20, 290] {
        let again = hansa.send("msg_1", TimeDelta::seconds(ago), &body).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.headers["idempotent-replayed"], "true");
    }
    hansa.now("msg_1", &event(&api, "e-9")).await.refused(422, "webhook_id_reused");
    let mut conn = api.db.pool.acquire().await.unwrap();
    assert_eq!(count(&mut conn).await.unwrap(), 2);
    let seen: i64 = sqlx::query_scalar("SELECT seen FROM cargo_rejects").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(seen, 1, "a repeat was published");
    // Under another id the log knows the events.
    assert_eq!(hansa.now("msg_2", &body).await.status.as_u16(), 202);
    assert_eq!(count(&mut conn).await.unwrap(), 2);
    drop(conn);
    let events = api.get(Some(&ann), "/v1/shipments/S-1/events").await.ok();
    assert_eq!(events["items"][0]["source"], "carrier:hansa");
    let shown = api.get(Some(&ann), &location).await.ok();
    assert_eq!((&shown["source"], shown.get("secret")), (&json!("carrier:hansa"), None), "it is shown once");
    api.close().await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_carrier_is_refused_alike() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let ((hansa, _), (other, _)) = (register(&api, &ann, "hansa").await, register(&api, &ann, "other").await);
    let body = json!([event(&api, "e-1")]);
    let mut refusals = Vec::new();
    let crossed = System { path: hansa.path.clone(), ..other };
    let nobody = System {
        path: format!("/v1/webhooks/carriers/{}", uuid::Uuid::now_v7()),
        ..register(&api, &ann, "third").await.0
    };
    refusals.push(crossed.now("msg_1", &body).await);
    refusals.push(nobody.now("msg_1", &body).await);
    let now = api.state.clock.now();
    let (time, good) =
        (now.timestamp().to_string(), signature::sign(&hansa.key, "msg_1", now, body.to_string().as_bytes()));
    refusals.push(hansa.send_as("msg_1", &time, &good, format!("{body} ")).await);
    refusals.push(hansa.send_as("msg_2", &time, &good, body.to_string()).await);
    refusals.push(hansa.send_as("msg_1", &(now.timestamp() + 1).to_string(), &good, body.to_string()).await);
    refusals.push(hansa.send_as("msg_1", &time, &good.replace("v1,", "v2,"), body.to_string()).await);
    refusals.push(hansa.send_as("msg_1", &time, "nonsense", body.to_string()).await);
    // Nobody learns which part it was, not even that there is no such carrier.
    let details: Vec<_> =
        refusals.into_iter().map(|one| one.refused(401, "invalid_signature").body["detail"].clone()).collect();
    assert!(details.iter().all(|one| *one == details[0]), "{details:?}");
    for (id, timestamp, signature, name) in [
        ("", time.as_str(), good.as_str(), "webhook-id"),
        ("msg_1", "today", &good, "webhook-timestamp"),
        ("msg_1", &time, "", "webhook-signature"),
    ] {
        let answer = hansa.send_as(id, timestamp, signature, body.to_string()).await.refused(400, "webhook_headers");
        assert_eq!(answer.body["errors"][0]["header"], name);
    }
    let without = api.request(Method::POST, &hansa.path).json(&body);
    api.send(without).await.refused(400, "webhook_headers");
    for (ago, side) in [(415, "behind"), (-415, "ahead of")] {
        let answer = hansa.send("msg_1", TimeDelta::seconds(ago), &body).await.refused(400, "webhook_time");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("webhook-timestamp is 41") && detail.contains(side), "{detail}");
    }
    assert_eq!(count(&mut api.db.pool.acquire().await.unwrap()).await.unwrap(), 0);
    api.close().await;
}

#[tokio::test]
async fn bad_events_of_a_carrier_are_named_and_none_is_taken() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let (hansa, _) = register(&api, &ann, "hansa").await;
    let with = |change: Value| {
        let mut event = event(&api, "e-1");
        event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        event
    };
    let spoken_for =
        hansa.now("1", &json!([with(json!({"source": "carrier:other"}))])).await.refused(400, "invalid_body");
    assert_eq!(spoken_for.body["errors"][0]["pointer"], "/0/source", "a carrier speaks for itself");
    let far = with(json!({"position": {"latitude": 91, "longitude": 0}}));
    let answer = hansa.now("2", &json!([event(&api, "e-0"), far])).await.refused(422, "invalid_events");
    assert_eq!(answer.body["errors"][0]["pointer"], "/1/position/latitude");
    hansa.now("3", &with(json!({"occurred_at": "1970-01-01T00:00:00Z"}))).await.refused(422, "invalid_events");
    hansa.now("4", &json!([])).await.refused(422, "no_events");
    hansa.now("5", &json!(vec![event(&api, "e-1"); 1001])).await.refused(422, "too_many_events");
    hansa.now("6", &json!("text")).await.refused(400, "invalid_body");
    assert_eq!(count(&mut api.db.pool.acquire().await.unwrap()).await.unwrap(), 0);
    // What was refused is not remembered.
    assert_eq!(hansa.now("2", &event(&api, "e-1")).await.ok(), json!({"accepted": 1}));
    api.close().await;
}

#[tokio::test]
async fn a_secret_is_replaced_with_an_overlap_and_a_carrier_ended_at_once() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let (old, location) = register(&api, &ann, "hansa").await;
    let body = event(&api, "e-1");
    let replace = async |body: Value| api.post(Some(&ann), &format!("{location}/secret"), body).await.ok();
    let replaced = replace(json!({})).await;
    assert!(replaced["old_good_until"].is_string(), "{replaced}");
    let new = System { api: &api, path: old.path.clone(), key: key(&replaced) };
    for (system, id) in [(&old, "1"), (&new, "2")] {
        assert_eq!(system.now(id, &body).await.status.as_u16(), 202);
    }
    let leaked = replace(json!({"keep_old": false})).await;
    assert!(leaked.get("old_good_until").is_none(), "{leaked}");
    let newest = System { api: &api, path: old.path.clone(), key: key(&leaked) };
    for system in [&old, &new] {
        system.now("3", &body).await.refused(401, "invalid_signature");
    }
    assert_eq!(newest.now("4", &body).await.status.as_u16(), 202);
    // The organisation is suspended for a while: nothing that its carriers sign is taken.
    let suspend = "UPDATE orgs SET status = 'suspended'";
    sqlx::query(suspend).execute(&api.db.pool).await.unwrap();
    newest.now("5", &body).await.refused(403, "org_not_approved");
    sqlx::query("UPDATE orgs SET status = 'approved'").execute(&api.db.pool).await.unwrap();
    let ended = api.call(Some(&ann), Method::DELETE, &location, json!({})).await;
    assert_eq!(ended.status.as_u16(), 204, "{ended:?}");
    newest.now("6", &body).await.refused(401, "invalid_signature");
    api.get(Some(&ann), &location).await.refused(404, "not_found");
    assert_eq!(api.get(Some(&ann), "/v1/carriers").await.ok(), json!({"items": []}));
    let taken = json!({"slug": "Hansa Freight", "name": "Hansa"});
    let refused = api.post(Some(&ann), "/v1/carriers", taken).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/slug");
    api.close().await;
}
