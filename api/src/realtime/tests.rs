mod admission;
mod readings;
mod rights;

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use market::identity::PlatformRole;
use queue::registry::KindInfo;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;
use shared::realtime::Event;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message as Frame, client::IntoClientRequest};

use super::topic::{Carries, Snapshot, Topic};
use crate::auth::Caller;
use crate::error::Result;
use crate::state::AppState;
use crate::testing::socket::{Client, PATIENCE};
use crate::testing::{TestApi, redis_url};

/// A thing with a version, for tests: `counter:<id>`.
pub(crate) struct Counter;

impl Topic for Counter {
    type Id = String;

    fn prefix(&self) -> &'static str {
        "counter"
    }

    fn carries(&self) -> Carries {
        Carries::Step
    }

    async fn read(&self, state: &AppState, _: &Caller, _: Option<OrgId>, id: String) -> Result<Option<Snapshot>> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT seq FROM counters WHERE id = $1").bind(id).fetch_optional(&state.db).await?;
        Ok(row.map(|(seq,)| Snapshot { seq, data: json!({"count": seq}) }))
    }
}

async fn api_with_counters(settings: &[(&str, &str)]) -> TestApi {
    let api = TestApi::with(settings).await;
    sqlx::query("CREATE TABLE counters (id text PRIMARY KEY, seq bigint NOT NULL)")
        .execute(&api.db.pool)
        .await
        .unwrap();
    api
}

async fn count_to(api: &TestApi, id: &str, seq: i64) {
    let sql = "INSERT INTO counters VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seq = $2";
    sqlx::query(sql).bind(id).bind(seq).execute(&api.db.pool).await.unwrap();
}

fn publish(api: &TestApi, id: &str, seq: i64) {
    let (topic, kind) = (format!("counter:{id}"), "counted".to_owned());
    api.state.publisher.publish(Event { topic, seq, kind, data: json!({"count": seq}) });
}

/// Type, seq and whether there is data.
fn gist(heard: &Value) -> (&str, i64, bool) {
    assert!(heard["server_time"].is_string(), "{heard}");
    (heard["type"].as_str().unwrap(), heard["seq"].as_i64().unwrap(), heard["data"].is_object())
}

async fn clients_follow_a_topic(api: &TestApi) {
    let id = uuid::Uuid::now_v7().to_string();
    let topic = format!("counter:{id}");
    count_to(api, &id, 5).await;
    let mut ann = Client::open(api, &api.person("Ann").await).await;
    let mut bob = Client::open(api, &api.person("Bob").await).await;
    assert_eq!(gist(&ann.subscribe(&topic).await), ("snapshot", 5, true));
    bob.say(json!({"subscribe": topic, "since": 5})).await;
    assert_eq!(gist(&bob.hear().await), ("subscribed", 5, false));
    // The feed may still be connecting: until it is there, events are missed, and made good by a snapshot.
    count_to(api, &id, 6).await;
    publish(api, &id, 6);
    for client in [&mut ann, &mut bob] {
        let heard = client.hear().await;
        assert!(matches!(gist(&heard), ("counted" | "snapshot", 6, true)), "{heard}");
    }
    // An event that is no news is not told; after a gap there is a snapshot.
    publish(api, &id, 4);
    count_to(api, &id, 9).await;
    publish(api, &id, 9);
    for client in [&mut ann, &mut bob] {
        assert_eq!(gist(&client.hear().await), ("snapshot", 9, true));
    }
    count_to(api, &id, 10).await;
    publish(api, &id, 10);
    for client in [&mut ann, &mut bob] {
        assert_eq!(gist(&client.hear().await), ("counted", 10, true));
    }
    // Nothing more after unsubscribing; the answer to the next command comes first.
    ann.say(json!({"unsubscribe": topic})).await;
    assert_eq!(ann.subscribe("counter:none").await["code"], "not_found");
    publish(api, &id, 11);
    assert_eq!(gist(&bob.hear().await), ("counted", 11, true));
    assert_eq!(ann.subscribe("nonsense").await["code"], "not_found");
}

#[tokio::test]
async fn clients_follow_a_topic_over_redis() {
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let api = api_with_counters(&[("REDIS_URL", &redis_url()), ("NAMESPACE", &namespace)]).await;
    clients_follow_a_topic(&api).await;
    api.close().await;
}

#[tokio::test]
async fn clients_follow_a_topic_without_redis() {
    let api = api_with_counters(&[]).await;
    clients_follow_a_topic(&api).await;
    api.close().await;
}

#[tokio::test]
async fn a_ticket_opens_one_socket_for_a_known_origin() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let ticket = || async {
        let ticket = api.post(Some(&ann), "/v1/ws/ticket", json!({})).await.ok();
        format!("/v1/ws?ticket={}", ticket["ticket"].as_str().unwrap())
    };
    let connect = |path: String, origin: Option<&'static str>| {
        let mut request = format!("{}{path}", api.base.replace("http", "ws")).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        async move {
            match tokio_tungstenite::connect_async(request).await {
                Ok(_) => 101,
                Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
                Err(error) => panic!("{error}"),
            }
        }
    };
    let path = ticket().await;
    assert_eq!(connect(path.clone(), Some("https://evil.example")).await, 403);
    assert_eq!(connect(path.clone(), Some("null")).await, 403);
    assert_eq!(connect(path.clone(), Some("https://friend.example")).await, 101);
    assert_eq!(connect(path, None).await, 401, "a ticket works once");
    assert_eq!(connect("/v1/ws?ticket=made-up".to_owned(), None).await, 401);
    let path = ticket().await;
    sqlx::query("UPDATE ws_tickets SET expires_at = now() - interval '1 second'").execute(&api.db.pool).await.unwrap();
    assert_eq!(connect(path, None).await, 401, "an expired ticket");
    let path = ticket().await;
    api.post(Some(&ann), "/v1/auth/logout", json!({})).await;
    assert_eq!(connect(path, None).await, 401, "a ticket of an ended session");
    let answer = api.get(None, "/v1/ws?ticket=x").await;
    assert_eq!(answer.code(), "not_a_websocket", "{answer:?}");
    api.get(None, "/v1/ws").await.refused(400, "invalid_query");
    api.close().await;
}

#[tokio::test]
async fn bad_messages_get_an_answer_and_too_many_an_end() {
    let api = api_with_counters(&[]).await;
    count_to(&api, "1", 1).await;
    let ann = api.person("Ann").await;
    let mut client = Client::open(&api, &ann).await;
    let deep = "[".repeat(1000);
    for text in
        ["", "{", "[]", "null", r#"{"subscribe": 1}"#, r#"{"subscribe": "counter:1", "x": 1}"#, "\u{0}", deep.as_str()]
    {
        client.0.send(Frame::text(text)).await.unwrap();
        let heard = client.hear().await;
        assert_eq!((heard["type"].as_str(), heard["code"].as_str()), (Some("error"), Some("bad_message")), "{text}");
    }
    client.0.send(Frame::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.hear().await["code"], "not_text");
    assert_eq!(gist(&client.subscribe("counter:1").await), ("snapshot", 1, true));
    for _ in 0..30 {
        // The server may have closed by now.
        let _ = client.0.send(Frame::text("{")).await;
    }
    assert_eq!(client.closing().await, 1008);
    // A message that is too large ends the socket, not the server.
    let mut client = Client::open(&api, &ann).await;
    client.0.send(Frame::text("x".repeat(5000))).await.unwrap();
    while let Some(Ok(_)) = timeout(PATIENCE, client.0.next()).await.unwrap() {}
    assert_eq!(gist(&Client::open(&api, &ann).await.subscribe("counter:1").await), ("snapshot", 1, true));
    api.close().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let api = api_with_counters(&[]).await;
    count_to(&api, "1", 0).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let mut slow = Client::open(&api, &ann).await;
    slow.subscribe("counter:1").await;
    let mut fast = Client::open(&api, &bob).await;
    fast.subscribe("counter:1").await;
    assert_eq!(api.state.hub.sessions().len(), 2);
    let large = "x".repeat(100_000);
    let mut seq = 0;
    // Large events fill the sockets' buffers, then the slow client's queue. The fast one reads each.
    while api.state.hub.sessions().len() == 2 {
        seq += 1;
        assert!(seq < 2_000, "the slow client is still there");
        let (topic, kind) = ("counter:1".to_owned(), "counted".to_owned());
        api.state.hub.deliver(Event { topic, seq, kind, data: json!({"large": large}) });
        assert_eq!(gist(&fast.hear().await), ("counted", seq, true));
    }
    assert_eq!(api.state.hub.sessions()[0].user, bob.id);
    api.close().await;
}

#[tokio::test]
async fn a_client_that_takes_too_long_to_read_one_message_is_dropped() {
    // The connection itself would have all the time in the world.
    let api = api_with_counters(&[("SOCKET_SEND_SECONDS", "1"), ("WRITE_SECONDS", "3600")]).await;
    count_to(&api, "1", 0).await;
    let mut client = Client::open(&api, &api.person("Ann").await).await;
    client.subscribe("counter:1").await;
    // More than the sockets' buffers hold, in fewer messages than may wait.
    let large = "x".repeat(1_000_000);
    for seq in 1..=30 {
        let (topic, kind) = ("counter:1".to_owned(), "counted".to_owned());
        api.state.hub.deliver(Event { topic, seq, kind, data: json!({"large": large}) });
    }
    let dropped = async {
        while !api.state.hub.sessions().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, dropped).await.expect("the server gives up");
    let (_, metrics) = api.for_operators("/metrics").await;
    assert!(metrics.contains("tradeyard_ws_dropped_slow_total 1"), "{metrics}");
    api.close().await;
}

#[tokio::test]
async fn a_suspended_persons_socket_closes_within_five_seconds() {
    let api = TestApi::new().await;
    let (admin, ann) = (api.admin().await, api.person("Ann").await);
    let mut client = Client::open(&api, &ann).await;
    let path = format!("/v1/admin/users/{}/suspend", ann.id);
    let suspended = api.post(Some(&admin), &path, json!({"reason": "fraud"})).await;
    assert_eq!(suspended.status, 204, "{suspended:?}");
    assert_eq!(timeout(Duration::from_secs(5), client.closing()).await.unwrap(), 4401);
    api.close().await;
}

/// A Redis of the test's own, which it may kill.
struct OwnRedis {
    port: u16,
    child: Option<tokio::process::Child>,
}

impl OwnRedis {
    fn start(&mut self) {
        let child = tokio::process::Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", std::env::temp_dir().to_str().unwrap()])
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.expect("redis-server is installed"));
    }
}

#[tokio::test]
async fn clients_get_snapshots_when_redis_comes_back() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut redis = OwnRedis { port, child: None };
    redis.start();
    let api = api_with_counters(&[("REDIS_URL", &format!("redis://127.0.0.1:{port}/"))]).await;
    count_to(&api, "1", 1).await;
    let ann = api.person("Ann").await;
    let mut client = Client::open(&api, &ann).await;
    assert_eq!(gist(&client.subscribe("counter:1").await), ("snapshot", 1, true));
    // Publish until it gets through: the feed has subscribed.
    count_to(&api, "1", 2).await;
    publish(&api, "1", 2);
    assert_eq!(gist(&client.hear().await).1, 2);

    redis.child.take().unwrap().kill().await.unwrap();
    count_to(&api, "1", 3).await;
    publish(&api, "1", 3);
    // The API goes on without it, and says nothing that it does not know.
    api.get(Some(&ann), "/v1/me").await.ok();
    redis.start();
    assert_eq!(gist(&client.hear().await), ("snapshot", 3, true));
    api.close().await;
}

#[tokio::test]
async fn a_jobs_owner_follows_it_and_others_do_not() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let observer = api.staff(PlatformRole::Observer).await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let kind: &KindInfo = api.state.registry.iter().find(|info| info.kind.name == "jobs.prune").unwrap();
    let job = kind.enqueue(json!({"finished_after_hours": 1, "dead_after_hours": 1})).unwrap().tenant(org);
    let mut tx = api.state.ledger.begin().await.unwrap();
    let job = tx.enqueue_with(job.after(Duration::from_hours(1))).await.unwrap().id();
    tx.commit().await.unwrap();
    let topic = format!("job:{job}");
    let mut anns = Client::open(&api, &ann).await;
    let heard = anns.subscribe(&topic).await;
    assert_eq!(
        (heard["type"].as_str(), heard["data"]["state"].as_str()),
        (Some("snapshot"), Some("scheduled")),
        "{heard}"
    );
    assert!(heard["data"].get("payload").is_none());
    assert_eq!(Client::open(&api, &observer).await.subscribe(&topic).await["data"]["state"], "scheduled");
    assert_eq!(Client::open(&api, &eve).await.subscribe(&topic).await["code"], "not_found");
    // What a worker does to the row, seen from the socket.
    for (sql, state) in [
        ("UPDATE jobs SET state = 'queued', epoch = 1", "queued"),
        ("UPDATE jobs SET state = 'running', worker = 1, started_at = now(), attempt = 1", "running"),
        ("UPDATE jobs SET progress = 40, progress_text = 'rows'", "running"),
        ("UPDATE jobs SET state = 'succeeded', finished_at = now()", "succeeded"),
    ] {
        sqlx::query(sql).execute(&api.db.pool).await.unwrap();
        // The first look of the watcher tells the state that the snapshot told.
        let heard = loop {
            let heard = anns.hear().await;
            if heard["data"]["state"] != "scheduled" {
                break heard;
            }
        };
        assert_eq!(heard["data"]["state"], state, "{heard}");
        assert!(heard["seq"].as_i64().unwrap() > 0, "{heard}");
    }
    api.call(Some(&ann), Method::GET, "/v1/me", json!({})).await.ok();
    api.close().await;
}

#[tokio::test]
async fn who_leaves_an_organisation_stops_watching_what_is_its() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let members = format!("/v1/orgs/{org}/members");
    api.join(&ann, org, &bob, "viewer").await;
    let report = json!({"kind": "sales", "format": "csv", "first_day": "2026-01-01", "last_day": "2026-01-01"});
    let topic = format!("job:{}", api.post(Some(&ann), "/v1/reports", report).await.ok()["job"]);
    let (mut anns, mut bobs) = (Client::open(&api, &ann).await, Client::open(&api, &bob).await);
    for client in [&mut anns, &mut bobs] {
        assert_eq!(client.subscribe(&topic).await["type"], "snapshot");
    }
    let gone = api.call(Some(&ann), Method::DELETE, &format!("{members}/{}", bob.id), json!({})).await;
    assert_eq!(gone.status, 204);
    let heard = loop {
        let heard = bobs.hear().await;
        if heard["code"].is_string() {
            break heard;
        }
    };
    assert_eq!((&heard["code"], &heard["topic"]), (&json!("not_found"), &json!(topic)), "{heard}");
    // Ann goes on watching.
    sqlx::query("UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE kind = 'reports.generate'")
        .execute(&api.db.pool)
        .await
        .unwrap();
    while anns.hear().await["data"]["state"] != "cancelled" {}
    assert_eq!(bobs.subscribe(&topic).await["code"], "not_found");
    api.close().await;
}

#[tokio::test]
async fn a_person_has_so_many_sockets_and_says_so_much() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let mut sockets = Vec::new();
    for _ in 0..super::hub::MAX_SOCKETS {
        let mut client = Client::open(&api, &ann).await;
        // Its answer tells that it is there.
        assert_eq!(client.subscribe("nonsense").await["code"], "not_found");
        sockets.push(client);
    }
    assert_eq!(Client::open(&api, &ann).await.closing().await, 4429);
    let mut one = sockets.pop().unwrap();
    // With the subscription above one too many, and nothing that is left unread when the socket closes.
    for _ in 0..300 {
        one.say(json!({"unsubscribe": "counter:1"})).await;
    }
    assert_eq!(one.closing().await, 1008);
    api.close().await;
}
