mod abuse;
mod access;
mod acting;
mod keys;
mod semantics;
mod test_market;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use axum::routing::get;
use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{NetworkFault, Proxy, TestDb, owner_url};
use shared::trace::TraceParent;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::testing::TestApi;

/// Pages that are not part of the API.
const PAGES: [&str; 5] = ["/", "/docs", "/docs/", "/docs/{*rest}", "/{*__private__axum_fallback}"];

fn document() -> Value {
    serde_json::to_value(super::document()).unwrap()
}

/// Whether an operation is open to anybody, be it that members see more.
fn is_open(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(|ways| ways.contains(&json!({})))
}

/// Path and method of every operation, and whether it is open to anybody.
fn operations() -> Vec<(String, Method, bool)> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((path.clone(), method.to_uppercase().parse().unwrap(), is_open(operation)));
        }
    }
    operations
}

/// A path with its parameters filled in by ids that do not exist.
fn filled(path: &str) -> String {
    let parts =
        path.split('/').map(|part| if part.starts_with('{') { "01890a5d-ac96-774b-bcce-b302099a8057" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_is_documented() {
    let api = TestApi::new().await;
    // axum lists its paths in Debug output only.
    let text = format!("{:?}", router(&api.state));
    let served: BTreeSet<String> =
        text.split('"').filter(|part| part.starts_with('/') && !PAGES.contains(part)).map(str::to_owned).collect();
    let mut documented: BTreeMap<String, BTreeSet<Method>> = BTreeMap::new();
    for (path, method, _) in operations() {
        documented.entry(path).or_default().insert(method);
    }
    let paths: BTreeSet<String> = documented.keys().cloned().chain(["/openapi.json".to_owned()]).collect();
    assert_eq!(served, paths, "routes and document differ");
    // And every other method of a documented path is refused.
    let methods =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];
    for (path, mut known) in documented {
        if known.contains(&Method::GET) {
            known.insert(Method::HEAD);
        }
        for method in &methods {
            if !known.contains(method) {
                let answer = api.call(None, method.clone(), &filled(&path), json!({})).await;
                let answer = answer.refused(405, "method_not_allowed");
                let allow = answer.headers["allow"].to_str().unwrap().split(", ").map(|name| name.parse().unwrap());
                assert_eq!(allow.collect::<BTreeSet<Method>>(), known, "{method} {path}");
            }
        }
    }
    api.close().await;
}

#[tokio::test]
async fn every_route_needs_a_session_unless_it_says_otherwise() {
    let api = TestApi::new().await;
    for (path, method, open) in operations() {
        let answer = api.call(None, method.clone(), &filled(&path), json!({})).await;
        if open {
            assert_ne!(answer.code(), "unauthenticated", "{method} {path}");
        } else {
            answer.refused(401, "unauthenticated");
        }
    }
    api.close().await;
}

#[tokio::test]
async fn every_operation_documents_its_problems() {
    let document = document();
    for (path, method, _) in operations() {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert_ne!(status, "default", "{method} {path}: says nothing about which");
            if status.as_str() >= "400" {
                let schema = &response["content"]["application/problem+json"]["schema"];
                let page = response["content"]["text/html"]["schema"].is_object();
                assert!(page || !documented_codes(schema).is_empty(), "{method} {path}: {status}: {response}");
            }
        }
        assert!(operation["responses"]["500"].is_object(), "{method} {path}");
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{method} {path}: {operation}");
    }
}

/// The codes that a problem's schema allows.
pub(super) fn documented_codes(schema: &Value) -> BTreeSet<&str> {
    let codes = schema["allOf"].as_array().into_iter().flatten().map(|part| &part["properties"]["code"]["enum"]);
    codes.filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn the_document_can_be_browsed_offline() {
    let api = TestApi::new().await;
    assert_eq!(api.get(None, "/openapi.json").await.ok(), document());
    let page = api.get(None, "/docs/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let html = page.ok();
    let html = html.as_str().unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    for file in ["swagger-initializer.js", "swagger-ui-bundle.js", "swagger-ui.css"] {
        assert!(api.get(None, &format!("/docs/{file}")).await.status.is_success(), "{file}");
    }
    api.close().await;
}

#[tokio::test]
async fn bad_requests_are_problems() {
    let api = TestApi::new().await;
    let login = |kind: &str, body: Vec<u8>| {
        api.send(api.request(Method::POST, "/v1/auth/login").header("content-type", kind).body(body))
    };
    api.get(None, "/nowhere").await.refused(404, "not_found");
    api.call(None, Method::DELETE, "/v1/auth/login", json!({})).await.refused(405, "method_not_allowed");
    login("text/plain", b"{}".to_vec()).await.refused(415, "unsupported_media_type");
    login("application/json", b"{".to_vec()).await.refused(400, "malformed_json");
    login("application/json", vec![0xff, 0xfe]).await.refused(400, "malformed_json");
    login("application/json", Vec::new()).await.refused(400, "malformed_json");
    login("application/json", vec![b' '; 1024 * 1024 + 1]).await.refused(413, "body_too_large");
    login("application/json", "[".repeat(500_000).into_bytes()).await.refused(400, "too_deep");
    login("application/json; charset=utf-8", b"{\"email\": \"a\\u0000@example.com\"}".to_vec())
        .await
        .refused(400, "zero_character");
    let answer = login("application/json", b"{\n \"email\": 1}".to_vec()).await.refused(400, "invalid_body");
    assert!(answer.body["errors"][0]["detail"].as_str().unwrap().contains("line 2 column 11"), "{answer:?}");
    api.close().await;
}

#[tokio::test]
async fn answers_carry_the_trace_and_the_headers_that_protect_people() {
    let api = TestApi::new().await;
    let trace = TraceParent::generate();
    let request = api.request(Method::GET, "/nowhere").header("traceparent", trace.to_string());
    let answer = api.send(request).await.refused(404, "not_found");
    assert_eq!(answer.body["trace_id"], trace.trace_id_hex());
    let back: TraceParent = answer.headers["traceparent"].to_str().unwrap().parse().unwrap();
    assert_eq!(back.trace_id, trace.trace_id);
    assert_ne!(back.span_id, trace.span_id);
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.headers[header], value);
    }
    assert!(!answer.headers.contains_key("strict-transport-security"), "only over https");
    api.close().await;
    let api = TestApi::with(&[("PUBLIC_URL", "https://tradeyard.example")]).await;
    assert!(api.get(None, "/healthz").await.headers.contains_key("strict-transport-security"));
    api.close().await;
}

#[tokio::test]
async fn only_known_origins_may_read_answers() {
    let api = TestApi::new().await;
    for (origin, allowed) in
        [("https://friend.example", true), (api.base.as_str(), true), ("https://evil.example", false), ("null", false)]
    {
        let answer = api.send(api.request(Method::GET, "/healthz").header("origin", origin)).await;
        let header = answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(header, allowed.then_some(origin));
    }
    api.close().await;
}

#[tokio::test]
async fn our_failures_show_nothing_of_themselves() {
    let api = TestApi::new().await;
    let broken = || async { Err::<(), _>(Problem::internal(anyhow::anyhow!("the secret cause"))) };
    let panicking = || async { "the secret".parse::<u8>().unwrap().to_string() };
    let routes = Router::new().route("/broken", get(broken)).route("/panicking", get(panicking));
    let server = crate::serve::Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let base = format!("http://{}", server.addr);
    let stop = CancellationToken::new();
    let serving =
        tokio::spawn(server.run(surround(routes, &api.state, Contract::of(&super::document())), stop.clone()));
    for path in ["/broken", "/panicking"] {
        let answer = api.send(reqwest::Client::new().get(format!("{base}{path}"))).await.refused(500, "internal");
        let shown = answer.body.to_string();
        assert!(!shown.contains("secret") && !shown.contains("InvalidDigit"), "{answer:?}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    stop.cancel();
    serving.await.unwrap();
    api.close().await;
}

#[tokio::test]
async fn a_busy_database_says_come_back() {
    let api = TestApi::with(&[("DATABASE_CONNECTIONS", "1")]).await;
    let ann = api.person("Ann").await;
    let held = api.state.db.acquire().await.unwrap();
    let answer = api.get(Some(&ann), "/v1/me").await.refused(503, "busy");
    assert_eq!(answer.headers["retry-after"], "1");
    drop(held);
    api.get(Some(&ann), "/v1/me").await.ok();
    api.close().await;
}

#[tokio::test]
async fn health_tells_the_truth() {
    let api = TestApi::new().await;
    assert_eq!(
        api.for_operators("/readyz").await,
        (200, "ready\npostgres: ok\nevents: ok\nbroker local: ok\n".to_owned())
    );
    // The database goes away under the running API.
    api.state.db.close().await;
    let (_, said) = api.for_operators("/readyz").await;
    assert!(said.contains("\npostgres: cannot be reached\n"), "{said}");
    let answer = api.get(None, "/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, "not_ready"));
    assert_eq!(api.get(None, "/healthz").await.status, 200);
    api.close().await;
}

#[tokio::test]
async fn the_public_port_tells_nothing_of_the_inside() {
    let api = TestApi::new().await;
    assert_eq!(api.get(None, "/healthz").await.ok(), json!("ok\n"));
    assert_eq!(api.get(None, "/readyz").await.ok(), json!("ready\n"));
    for path in ["/metrics", "/readyz/details", "/debug", "/version"] {
        api.get(None, path).await.refused(404, "not_found");
    }
    let (status, metrics) = api.for_operators("/metrics").await;
    assert!(status == 200 && metrics.contains("tradeyard_http_requests_total"), "{metrics}");
    let mut names = metrics.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(names.all(|name| name.starts_with("tradeyard_")), "{metrics}");
    api.state.db.close().await;
    let down = api.get(None, "/readyz").await;
    let said = down.body.to_string();
    assert!(!said.contains("postgres") && !said.contains("reached") && !said.contains("time"), "{said}");
    api.close().await;
}

#[tokio::test]
async fn readiness_names_what_is_away_and_does_without() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = TestApi::with(&[
        ("AMQP_URL", &format!("amqp://guest:guest@{nobody}/%2f")),
        ("REDIS_URL", &format!("redis://{nobody}")),
        ("EVENTS_DATABASE_URL", &format!("postgres://nobody@{nobody}/none")),
    ])
    .await;
    let (status, said) = api.for_operators("/readyz").await;
    assert!(status == 200 && said.starts_with("ready\npostgres: ok\n"), "{said}");
    for away in ["events", "broker rabbit", "broker redis"] {
        let how = said.lines().find_map(|line| line.strip_prefix(away)?.strip_prefix(": ")).unwrap();
        assert!(["cannot be reached", "no answer in time"].contains(&how), "{said}");
    }
    api.get(None, "/readyz").await.ok();
    // Work is taken all the same.
    api.person("Ann").await;
    api.close().await;
}

#[tokio::test]
async fn a_database_that_restarts_says_come_back() {
    let (proxy, url) = Proxy::before(&owner_url()).await.unwrap();
    let api = TestApi::on(TestDb::on(&url).await, &[]).await;
    let ann = api.person("Ann").await;
    proxy.set(NetworkFault::Refuse);
    proxy.cut();
    for _ in 0..2 {
        let answer = api.get(Some(&ann), "/v1/me").await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(["database_unavailable", "busy"].contains(&answer.code()), "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    assert_eq!(api.get(None, "/readyz").await.status, 503);
    proxy.set(NetworkFault::None);
    api.get(Some(&ann), "/v1/me").await.ok();
    assert_eq!(api.get(None, "/readyz").await.status, 200);
    api.close().await;
}

#[tokio::test]
async fn requests_in_hand_end_before_the_process_does() {
    let api = TestApi::new().await;
    let (entered, leave) =
        (std::sync::Arc::new(tokio::sync::Notify::new()), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (inside, go) = (entered.clone(), leave.clone());
    let slow = move || async move {
        inside.notify_one();
        go.notified().await;
        "done"
    };
    let server = crate::serve::Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("http://{}/slow", server.addr);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.run(Router::new().route("/slow", get(slow)), stop.clone()));
    let request = tokio::spawn(reqwest::get(url.clone()));
    entered.notified().await;
    stop.cancel();
    while reqwest::get(&url).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!serving.is_finished());
    leave.notify_one();
    assert_eq!(request.await.unwrap().unwrap().text().await.unwrap(), "done");
    serving.await.unwrap();
    api.close().await;
}
