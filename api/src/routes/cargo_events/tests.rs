use chrono::{DateTime, TimeDelta, Utc};
use market::cargo::store::count;
use market::identity::PlatformRole;
use serde_json::{Value, json};
use shared::ids::OrgId;
use shared::testing::{NetworkFault, Proxy, owner_url, server};

use super::*;
use crate::testing::{Person, TestApi};

fn now() -> DateTime<Utc> {
    shared::clock::Clock::SYSTEM.now()
}

fn event(id: usize) -> Value {
    json!({
        "source": "gps-7", "source_event_id": format!("e-{id}"), "shipment": "S-1", "type": "actual",
        "status": "in_transit", "occurred_at": now() + TimeDelta::seconds(i64::try_from(id).unwrap()),
        "position": {"latitude": 52.5, "longitude": 13.4}, "payload": {"speed": 12.5},
    })
}

async fn dealer(api: &TestApi) -> (Person, OrgId) {
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann's Tractors", &moderator).await;
    (ann, org)
}

#[tokio::test]
async fn events_come_back_in_the_order_of_their_occurrence() {
    let api = TestApi::new().await;
    let (ann, _) = dealer(&api).await;
    let answer = api.post(Some(&ann), "/v1/cargo-events", event(2)).await;
    assert_eq!((answer.status.as_u16(), answer.body), (202, json!({"accepted": 1})));
    // The second request repeats the first one's event.
    let answer = api.post(Some(&ann), "/v1/cargo-events", json!([event(3), event(2), event(1)])).await;
    assert_eq!((answer.status.as_u16(), answer.body), (202, json!({"accepted": 3})));
    let first = api.get(Some(&ann), "/v1/shipments/S-1/events?limit=2").await.ok();
    let next = first["next"].as_str().unwrap();
    let second = api.get(Some(&ann), &format!("/v1/shipments/S-1/events?limit=2&after={next}")).await.ok();
    assert!(second["next"].is_null());
    let items = [first["items"].as_array().unwrap().clone(), second["items"].as_array().unwrap().clone()].concat();
    let ids: Vec<&str> = items.iter().map(|item| item["source_event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["e-1", "e-2", "e-3"]);
    let mut item = items[0].clone();
    for added in ["id", "recorded_at"] {
        assert!(item.as_object_mut().unwrap().remove(added).is_some());
    }
    let mut sent = event(1);
    for item in [&mut item, &mut sent] {
        let at: DateTime<Utc> = item["occurred_at"].as_str().unwrap().parse().unwrap();
        assert!((at - now()).abs() < TimeDelta::minutes(5));
        item["occurred_at"] = Value::Null;
    }
    assert_eq!(item, sent);
    let standing = api.get(Some(&ann), "/v1/shipments/S-1/standing").await.ok();
    assert_eq!((&standing["status"], &standing["position"]["latitude"]), (&json!("in_transit"), &json!(52.5)));
    let nothing = api.get(Some(&ann), "/v1/shipments/S-2/standing").await.ok();
    assert_eq!(nothing["status"], Value::Null);
    api.close().await;
}

#[tokio::test]
async fn bad_events_are_named_and_none_is_taken() {
    let api = TestApi::new().await;
    let (ann, _) = dealer(&api).await;
    let post = |body: Value| api.post(Some(&ann), "/v1/cargo-events", body);
    let with = |change: Value| {
        let mut event = event(1);
        event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        event
    };
    let pointers = |body: &Value| -> Vec<String> {
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let far = json!({"position": {"latitude": 91, "longitude": 0}});
    let late = json!({"occurred_at": "1999-01-01T00:00:00Z", "source": ""});
    let answer = post(json!([event(0), with(far.clone()), with(late)])).await.refused(422, "invalid_events");
    assert_eq!(pointers(&answer.body), ["/1/position/latitude", "/2/source", "/2/occurred_at"]);
    let answer = post(with(far)).await.refused(422, "invalid_events");
    assert_eq!(pointers(&answer.body), ["/position/latitude"]);
    let answer = post(json!([event(0), with(json!({"colour": "red"}))])).await.refused(400, "invalid_body");
    assert_eq!(pointers(&answer.body), ["/1/colour"]);
    let answer = post(json!([event(0), with(json!({"status": "lost"}))])).await.refused(400, "invalid_body");
    assert_eq!(pointers(&answer.body), ["/1/status"]);
    let answer = post(with(json!({"source": "carrier:hansa"}))).await.refused(422, "invalid_events");
    assert_eq!(pointers(&answer.body), ["/source"], "that is what carriers sign");
    post(json!([])).await.refused(422, "no_events");
    post(json!("text")).await.refused(400, "invalid_body");
    post(json!([[event(1)]])).await.refused(400, "invalid_body");
    post(Value::Array(
        (0..1001)
            .map(|id| {
                json!({"source": "s", "source_event_id": format!("{id}"), "shipment": "S",
        "type": "actual", "status": "pending", "occurred_at": now()})
            })
            .collect(),
    ))
    .await
    .refused(422, "too_many_events");
    let answer = post(Value::Array(vec![with(json!({"source": ""})); 150])).await.refused(422, "invalid_events");
    assert_eq!(pointers(&answer.body).len(), MAX_FAULTS);
    for query in ["after=x", "limit=0", "limit=101", "colour=red"] {
        api.get(Some(&ann), &format!("/v1/shipments/S-1/events?{query}")).await.refused(400, "invalid_query");
    }
    assert_eq!(count(&mut api.db.pool.acquire().await.unwrap()).await.unwrap(), 0);
    api.close().await;
}

#[tokio::test]
async fn an_impossible_time_in_a_list_is_quarantined_and_the_rest_recorded() {
    let api = TestApi::new().await;
    let (ann, org) = dealer(&api).await;
    let at = |id: usize, time: &str| {
        let mut event = event(id);
        event["occurred_at"] = json!(time);
        event
    };
    let list = json!([event(1), at(2, "1970-01-01T00:00:00Z"), event(3), at(4, "9999-12-31T23:59:59Z")]);
    for _ in 0..2 {
        let answer = api.post(Some(&ann), "/v1/cargo-events", list.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.body["accepted"]), (202, &json!(2)), "{answer:?}");
        let pointers: Vec<_> =
            answer.body["quarantined"].as_array().unwrap().iter().map(|one| &one["pointer"]).collect();
        assert_eq!(pointers, ["/1/occurred_at", "/3/occurred_at"]);
    }
    let single = api.post(Some(&ann), "/v1/cargo-events", at(2, "1970-01-01T00:00:00Z")).await;
    single.refused(422, "invalid_events");
    let mut conn = api.db.pool.acquire().await.unwrap();
    assert_eq!(count(&mut conn).await.unwrap(), 2);
    let kept = store::page_rejects(&mut conn, None, 10).await.unwrap();
    let reasons: Vec<(&str, i64)> = kept.iter().map(|one| (one.reason.as_str(), one.seen)).collect();
    let ahead = "/occurred_at is more than a day ahead: an actual event has happened";
    assert_eq!(reasons, [(ahead, 2), ("/occurred_at is more than two years ago", 2)]);
    let whole = store::get_reject(&mut conn, kept[0].id).await.unwrap().unwrap();
    let message: Value = serde_json::from_str(&whole.text).unwrap();
    assert_eq!((&message["org"], &message["events"][0]["source_event_id"]), (&json!(org), &json!("e-4")));
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn only_traders_report_and_only_members_and_operators_read() {
    let api = TestApi::new().await;
    let (ann, org) = dealer(&api).await;
    let bob = api.person("Bob").await;
    let pending = api.pending_org(&bob, "Bob's Barn").await;
    let operator = api.staff(PlatformRole::Operator).await;
    api.post(Some(&ann), "/v1/cargo-events", event(1)).await.ok();
    api.post(Some(&bob), "/v1/cargo-events", event(2)).await.refused(403, "org_not_approved");
    api.post(Some(&bob.acting(org)), "/v1/cargo-events", event(2)).await.refused(403, "not_a_member");
    api.post(Some(&operator), "/v1/cargo-events", event(2)).await.refused(403, "no_org");
    let eve = api.person("Eve").await;
    let body = json!({"legal_name": "Eve Buys", "kinds": ["buyer"], "time_zone": "UTC"});
    let buyer = api.post(Some(&eve), "/v1/orgs", body).await.ok();
    let admin = api.admin().await;
    let path = format!("/v1/orgs/{}", buyer["id"].as_str().unwrap());
    api.post(Some(&admin), &format!("{path}/approve"), json!({})).await.ok();
    api.post(Some(&eve), "/v1/cargo-events", event(2)).await.refused(403, "org_kind");
    api.call(Some(&admin), reqwest::Method::PATCH, &path, json!({"kinds": ["carrier"]})).await.ok();
    api.post(Some(&eve), "/v1/cargo-events", event(2)).await.ok();
    let path = "/v1/shipments/S-1/events";
    let operator = operator.acting(org);
    assert_eq!(api.get(Some(&ann), path).await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(Some(&operator), path).await.ok()["items"].as_array().unwrap().len(), 1);
    let others = bob.acting(org);
    api.get(Some(&others), path).await.refused(403, "not_a_member");
    api.get(Some(&others), "/v1/shipments/S-1/standing").await.refused(403, "not_a_member");
    let own = api.get(Some(&bob.acting(pending)), path).await.ok();
    assert_eq!(own, json!({"items": []}));
    api.close().await;
}

/// With RabbitMQ: 202 only after the confirm, 503 when there is none.
#[tokio::test]
async fn without_the_broker_nothing_is_accepted() {
    let (proxy, url) = Proxy::before(&server("AMQP_URL")).await.unwrap();
    let namespace = format!("api-cargo-{}", std::process::id());
    let api = TestApi::with(&[("AMQP_URL", &url), ("NAMESPACE", &namespace)]).await;
    let (ann, org) = dealer(&api).await;
    assert_eq!(api.post(Some(&ann), "/v1/cargo-events", event(1)).await.status.as_u16(), 202);
    proxy.set(NetworkFault::Refuse);
    proxy.cut();
    let answer = api.post(Some(&ann), "/v1/cargo-events", event(2)).await.refused(503, "events_unavailable");
    assert!(answer.headers.contains_key("retry-after"));
    assert!(!answer.body.to_string().contains("AMQP"), "{answer:?}");
    proxy.set(NetworkFault::None);
    assert_eq!(api.post(Some(&ann), "/v1/cargo-events", event(3)).await.status.as_u16(), 202);
    // What was accepted is in the queue: a look from the side.
    let connection =
        queue::transport::rabbit::connection::connect(&server("AMQP_URL").into(), "api test").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut ids = Vec::new();
    while ids.len() < 2 {
        let queue = jobs::cargo::topology::queue(&namespace).into();
        let got = channel.basic_get(queue, lapin::options::BasicGetOptions { no_ack: true }).await.unwrap();
        let Some(got) = got else { continue };
        let message: Value = serde_json::from_slice(&got.delivery.data).unwrap();
        assert_eq!(message["org"], json!(org));
        ids.push(message["events"][0]["source_event_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids, ["e-1", "e-3"]);
    drop(api.db.pool.clone());
    jobs::cargo::topology::delete(&channel, &namespace).await.ok();
    api.close().await;
}

/// The events database is away: reports are taken all the same and wait in RabbitMQ, not in this process; reading says so.
#[tokio::test]
async fn while_the_events_database_is_away_reports_are_taken() {
    let (proxy, events) = Proxy::before(&owner_url()).await.unwrap();
    let namespace = format!("api-away-{}", std::process::id());
    let settings =
        [("AMQP_URL", server("AMQP_URL")), ("NAMESPACE", namespace.clone()), ("EVENTS_DATABASE_URL", events)];
    let api = TestApi::with(&settings.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    let (ann, _) = dealer(&api).await;
    proxy.set(NetworkFault::Refuse);
    proxy.cut();
    for first in [0, 500] {
        let many: Vec<Value> = (first..first + 500).map(event).collect();
        let answer = api.post(Some(&ann), "/v1/cargo-events", json!(many)).await;
        assert_eq!((answer.status.as_u16(), answer.body), (202, json!({"accepted": 500})));
    }
    let connection =
        queue::transport::rabbit::connection::connect(&server("AMQP_URL").into(), "api test").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut waiting = 0;
    while waiting < 1000 {
        let queue = jobs::cargo::topology::queue(&namespace).into();
        let got = channel.basic_get(queue, lapin::options::BasicGetOptions { no_ack: true }).await.unwrap();
        let Some(got) = got else { continue };
        let message: Value = serde_json::from_slice(&got.delivery.data).unwrap();
        waiting += message["events"].as_array().unwrap().len();
    }
    assert_eq!(waiting, 1000);
    let refused = api.get(Some(&ann), "/v1/shipments/S-1/standing").await;
    assert_eq!(refused.status.as_u16(), 503, "{refused:?}");
    jobs::cargo::topology::delete(&channel, &namespace).await.ok();
    api.close().await;
}
