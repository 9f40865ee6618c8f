//! HTTP itself: media types, conditional requests, challenges.

use std::collections::BTreeSet;

use jobs::queues;
use market::money::model::NewSnapshot;
use market::money::store::rates;
use market::testing::CONSOLES;
use queue::ledger::queue_settings;
use reqwest::Method;
use serde_json::{Value, json};
use shared::money::Currency;

use super::test_market::{EARTH, TestMarket};
use super::{document, operations};
use crate::testing::{Answer, Person, TestApi, with_token};

/// Each operation's name, path, method and description.
pub(super) fn documented() -> Vec<(String, String, Method, Value)> {
    let document = document();
    let described = |(path, method, _): (String, Method, bool)| {
        let operation = document["paths"][&path][method.as_str().to_lowercase()].clone();
        (format!("{method} {path}"), path, method, operation)
    };
    operations().into_iter().map(described).collect()
}

pub(super) fn takes(operation: &Value, header: &str) -> bool {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.into_iter().any(|it| it["in"] == "header" && it["name"] == header)
}

/// The media types of successes.
fn produced(operation: &Value) -> BTreeSet<String> {
    let successes = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
    let contents = successes.filter_map(|(_, response)| response["content"].as_object());
    contents.flat_map(|content| content.keys().cloned()).collect()
}

#[tokio::test]
async fn answers_that_the_client_would_not_take_are_not_made() {
    let api = TestApi::new().await;
    for (name, path, method, operation) in documented() {
        let request = api.request(method, &super::filled(&path)).header("accept", "image/png, x-nothing/*;q=0.5");
        let answer = api.send(request).await;
        let refused = answer.code() == "not_acceptable";
        assert_eq!(refused, !produced(&operation).is_empty(), "{name}: {answer:?}");
        if refused {
            answer.refused(406, "not_acceptable");
        }
    }
    for (accept, status) in [("application/json", 200), ("text/html, */*;q=0.1", 200), ("text/html", 406)] {
        let answer = api.send(api.request(Method::GET, "/v1/categories").header("accept", accept)).await;
        assert_eq!(answer.status, status, "{accept}");
    }
    api.close().await;
}

#[tokio::test]
async fn bodies_of_other_types_are_refused_with_the_right_ones_named() {
    let market = TestMarket::new().await;
    for (name, path, method, operation) in documented() {
        let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
        let send = async |kind: (&str, &str), code: &str| {
            let request = market.api.request(method.clone(), &market.path(&path)).header(kind.0, kind.1);
            let request = request.header("idempotency-key", "k").body("a,b\n1,2\n");
            let answer = market.api.send(with_token(request, Some(&market.ann))).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (415, code), "{name}: {answer:?}");
            answer
        };
        let answer = send(("content-type", "text/csv"), "unsupported_media_type").await;
        let header = match method {
            Method::POST => "accept-post",
            Method::PATCH => "accept-patch",
            _ => "accept",
        };
        let named = answer.headers[header].to_str().unwrap().split(", ").map(str::to_owned);
        assert_eq!(named.collect::<BTreeSet<_>>(), content.keys().cloned().collect(), "{name}");
        send(("content-encoding", "gzip"), "unsupported_encoding").await;
    }
    market.api.close().await;
}

#[tokio::test]
async fn options_is_for_preflights_of_paths_that_exist() {
    let api = TestApi::new().await;
    let preflight = |path: &str| {
        let request = api.request(Method::OPTIONS, path).header("origin", "https://friend.example");
        api.send(request.header("access-control-request-method", "PATCH"))
    };
    let answer = preflight("/v1/me").await;
    assert_eq!(answer.status, 200);
    let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap();
    for header in ["tradeyard-org", "if-match", "if-none-match", "idempotency-key", "authorization"] {
        assert!(allowed.contains(header), "{allowed}");
    }
    preflight("/nowhere").await.refused(404, "not_found");
    let answer = api.send(api.request(Method::OPTIONS, "/v1/me")).await.refused(405, "method_not_allowed");
    assert_eq!(answer.headers["allow"], "GET, HEAD, PATCH");
    api.close().await;
}

#[tokio::test]
async fn challenges_tell_a_bad_token_from_none() {
    let market = TestMarket::new().await;
    let challenge = |answer: &Answer| answer.headers["www-authenticate"].to_str().unwrap().to_owned();
    let none = market.api.get(None, "/v1/me").await.refused(401, "unauthenticated");
    assert_eq!(challenge(&none), "Bearer");
    let ended = market.api.get(Some(&market.suspended), "/v1/me").await.refused(401, "session_ended");
    assert_eq!(challenge(&ended), "Bearer error=\"invalid_token\"");
    // Where a token is optional, one that is sent must be good; where none is read, it does not matter.
    for (name, path, method, operation) in documented() {
        if path == "/v1/ws" {
            continue;
        }
        let bad = Person { access: "nonsense".to_owned(), ..market.ann.clone() };
        let answer = market.call(Some(&bad), &method, &market.path(&path), json!({})).await;
        let ways = operation["security"].as_array();
        let reads = ways.is_none_or(|ways| ways.iter().any(|way| way.get("bearer").is_some()));
        assert_eq!(answer.code() == "token_invalid", reads, "{name}: {answer:?}");
        if reads {
            assert_eq!(challenge(&answer.refused(401, "token_invalid")), "Bearer error=\"invalid_token\"");
        }
    }
    market.api.close().await;
}

/// Changes of one value as a whole: there is no other part of the thing that they could undo.
const SINGLE_VALUES: [&str; 13] = [
    "PATCH /v1/jobs/{job}",
    "PATCH /v1/orgs/{org}/members/{user}",
    "PUT /v1/admin/users/{user}/platform-role",
    "PUT /v1/admin/orgs/{org}/plan",
    "PUT /v1/basket/{listing}",
    "PUT /v1/conversations/{conversation}/read",
    "PUT /v1/listings/{listing}/price",
    "PUT /v1/listings/{listing}/watch",
    "PUT /v1/me/quiet-hours",
    "PUT /v1/orders/{order}/export-proof",
    "PUT /v1/orders/{order}/lines/{line}/days",
    "PUT /v1/orders/{order}/review",
    "PUT /v1/orgs/{org}/subscription",
];

#[test]
fn every_change_of_a_representation_takes_if_match() {
    for (name, _, method, operation) in documented() {
        if ![Method::PATCH, Method::PUT].contains(&method) || SINGLE_VALUES.contains(&name.as_str()) {
            continue;
        }
        assert!(takes(&operation, "If-Match"), "{name}");
        assert!(operation["responses"]["412"].is_object(), "{name}");
    }
}

/// Reads that are sent each time, and why.
const SENT_AGAIN: [(&str, &str); 9] = [
    (
        "GET /v1/conversations/{conversation}/messages/{seq}/attachments/{place}",
        "each answer has another link, and says until when it works",
    ),
    ("GET /v1/invoices/{invoice}/file", "each answer has another link, and says until when it works"),
    ("GET /v1/items/{item}/stock/{site}", "its tag is of what people edit, for changes"),
    ("GET /v1/jobs/{job}/why", "it says how long the job still has to wait"),
    ("GET /v1/orgs/{org}/documents/{document}/file", "each answer has another link, and says until when it works"),
    ("GET /v1/queues/{queue}", "its tag is of the settings, for changes"),
    ("GET /v1/schedules/{schedule}", "its tag is of what people edit, for changes"),
    ("GET /v1/shipments/figures", "it says from when to when they are, which is until now unless asked otherwise"),
    ("GET /v1/sites/{site}", "its tag is of what people edit, for changes"),
];

#[tokio::test]
async fn reads_are_tagged_and_not_sent_twice() {
    let market = TestMarket::new().await;
    set_up(&market).await;
    let mut sent_again = Vec::new();
    for (name, path, method, operation) in documented() {
        if method != Method::GET || !produced(&operation).contains("application/json") {
            continue;
        }
        let mut target = market.path(&path);
        match path.as_str() {
            "/v1/images" => target = market.path("/v1/images?listing={listing}"),
            "/v1/orders" | "/v1/offers" | "/v1/invoices" => target.push_str("?side=buyer"),
            "/v1/dashboard" => target.push_str("?first_day=2026-01-01&last_day=2026-01-31"),
            "/v1/statement" => target.push_str("?currency=EUR&first_day=2026-01-01&last_day=2026-01-31"),
            "/v1/orders/{order}/slots" => target.push_str("?first_day=2026-01-01&last_day=2026-01-07"),
            "/v1/sale-events/{sale_event}/registration" => {
                target = market.path("/v1/sale-events/{joined_event}/registration");
            }
            "/v1/orders/{order}/escrow" => target = market.path("/v1/orders/{bought}/escrow"),
            "/v1/schedules/{schedule}" => target = "/v1/schedules/etag.test".to_owned(),
            _ => {}
        }
        let mut answer = market.api.get(Some(&market.ann), &target).await;
        let mut who = &market.ann;
        if answer.status == 403 {
            who = &market.admin;
            answer = market.api.get(Some(who), &target).await;
        }
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        let tag = &answer.headers["etag"];
        let request = market.api.request(Method::GET, &target).header("if-none-match", tag);
        let again = market.api.send(with_token(request, Some(who))).await;
        if again.status == 304 {
            assert!(operation["responses"]["304"].is_object(), "{name}");
            assert_eq!((&again.body, &again.headers["etag"]), (&json!(""), tag), "{name}");
            assert_eq!(again.headers["cache-control"], answer.headers["cache-control"], "{name}");
            let head = market.api.send(with_token(market.api.request(Method::HEAD, &target), Some(who))).await;
            assert_eq!(
                (head.status.as_u16(), &head.headers["etag"], &head.body),
                (200, tag, &json!("")),
                "HEAD of {name}"
            );
        } else {
            sent_again.push(name);
        }
    }
    assert_eq!(sent_again, SENT_AGAIN.map(|(name, _)| name));
    market.api.close().await;
}

#[tokio::test]
async fn an_auctions_tag_is_of_what_the_viewer_is_shown_but_for_the_time() {
    let market = TestMarket::new().await;
    let reads = ["/v1/auctions", "/v1/auctions/{auction}"].map(|path| market.path(path));
    let all = async || {
        let mut tags = Vec::new();
        for path in &reads {
            for who in [None, Some(&market.eve)] {
                let answer = market.api.get(who, path).await;
                assert!(answer.headers["cache-control"].to_str().unwrap().contains("no-cache"), "{path}: {answer:?}");
                tags.push(tag(&answer));
            }
        }
        assert!(tags.iter().all(|tag| tag.starts_with("W/\"")), "{tags:?}");
        assert!(tags.chunks(2).all(|viewers| viewers[0] != viewers[1]), "two viewers share a tag: {tags:?}");
        tags
    };
    let before = all().await;
    assert_eq!(all().await, before, "nothing has happened but time");
    let bid = json!({"maximum": {"amount": "90.00", "currency": "EUR"}});
    market.call(Some(&market.eve), &Method::POST, &market.path("/v1/auctions/{auction}/bids"), bid).await.ok();
    let after = all().await;
    assert!(before.iter().all(|tag| !after.contains(tag)), "{before:?} {after:?}");
    market.api.close().await;
}

/// What people edit: where it is, who may, and two changes.
fn edited(market: &TestMarket) -> Vec<(String, &Person, Value, Value)> {
    vec![
        (market.path("/v1/items/{item}"), &market.ann, json!({"title": "One"}), json!({"title": "Two"})),
        (market.path("/v1/sites/{site}"), &market.ann, json!({"name": "One"}), json!({"kind": "store"})),
        (market.path("/v1/items/{item}/stock/{site}"), &market.ann, json!({"capacity": 70}), json!({"low_at": 7})),
        ("/v1/me".to_owned(), &market.ann, json!({"name": "Ann One"}), json!({"time_zone": "Europe/Paris"})),
        ("/v1/me/notifications".to_owned(), &market.ann, json!({"watches": false}), json!({"stock": false})),
        (market.path("/v1/orgs/{org}"), &market.ann, json!({"time_zone": "Europe/Paris"}), json!({"time_zone": "UTC"})),
        (format!("/v1/categories/{CONSOLES}"), &market.admin, json!({"name": "One"}), json!({"fee_bps": 7})),
        (format!("/v1/regions/{EARTH}"), &market.admin, json!({"name": "One"}), json!({"name": "Two"})),
        (
            market.path("/v1/webhook-endpoints/{endpoint}"),
            &market.ann,
            json!({"name": "One"}),
            json!({"events": ["order.paid"]}),
        ),
        ("/v1/queues/emails".to_owned(), &market.admin, json!({"window": 77}), json!({"rate_burst": 3.0})),
        (
            "/v1/schedules/etag.test".to_owned(),
            &market.admin,
            json!({"expression": "0 3 * * *"}),
            json!({"zone": "Asia/Kolkata"}),
        ),
    ]
}

/// Makes the queues and the schedule of [`edited`].
async fn set_up(market: &TestMarket) {
    let mut conn = market.api.db.pool.acquire().await.unwrap();
    queue_settings::set_up(&mut conn, queues::ALL, &market.api.state.brokers.transports()).await.unwrap();
    let new = NewSnapshot {
        source: "test".to_owned(),
        day: "2026-01-05".parse().unwrap(),
        checksum: [1; 32],
        rates: [(Currency::USD, "1.0862".parse().unwrap())].into(),
    };
    rates::store(&mut conn, &new).await.unwrap();
    // Written by hand: Ann has sales open, so the API would refuse to erase her.
    sqlx::query("INSERT INTO erasures (user_id, due_at) VALUES ($1, clock_timestamp() + interval '14 days')")
        .bind(market.ann.id)
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let schedule = json!({"name": "etag.test", "kind": "jobs.prune", "expression": "* * * * *", "zone": "Europe/Berlin",
        "payload": {"finished_after_hours": 1, "dead_after_hours": 1}});
    market.api.post(Some(&market.admin), "/v1/schedules", schedule).await.ok();
}

async fn change(market: &TestMarket, who: &Person, path: &str, tag: &str, body: &Value) -> Answer {
    let request = market.api.request(Method::PATCH, path).header("if-match", tag).json(body);
    market.api.send(with_token(request, Some(who))).await
}

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_change_made_from_an_old_version_is_refused() {
    let market = TestMarket::new().await;
    set_up(&market).await;
    for (path, who, one, two) in edited(&market) {
        let read = market.api.get(Some(who), &path).await;
        let old = tag(&read);
        let changed = change(&market, who, &path, &old, &one).await;
        assert_eq!(changed.status, 200, "{path}: {changed:?}");
        let read = market.api.get(Some(who), &path).await;
        assert_eq!((tag(&changed), tag(&read) == old), (tag(&read), false), "{path}");
        // Another field, which would not undo the first change; but who made it has not seen that.
        change(&market, who, &path, &old, &two).await.refused(412, "changed_meanwhile");
        change(&market, who, &path, &format!("W/{}", tag(&read)), &two).await.refused(412, "changed_meanwhile");
        assert_eq!(tag(&market.api.get(Some(who), &path).await), tag(&read), "{path}");
        let both = format!("{old}, {}", tag(&read));
        assert_eq!(change(&market, who, &path, &both, &two).await.status, 200, "{path}");
        // Who does not ask is not asked, and who only wants it to be there says so.
        assert_eq!(market.api.call(Some(who), Method::PATCH, &path, one).await.status, 200, "{path}");
        assert_eq!(change(&market, who, &path, "*", &two).await.status, 200, "{path}");
    }
    let item = market.path("/v1/items/{item}");
    let delete =
        |tag: &str| with_token(market.api.request(Method::DELETE, &item).header("if-match", tag), Some(&market.ann));
    market.api.send(delete("\"old\"")).await.refused(412, "changed_meanwhile");
    let current = tag(&market.api.get(Some(&market.ann), &item).await);
    assert_eq!(market.api.send(delete(&current)).await.status, 204);
    market.api.close().await;
}

#[tokio::test]
async fn of_changes_at_once_from_one_version_one_is_made() {
    let market = TestMarket::new().await;
    set_up(&market).await;
    for (path, who, one, two) in edited(&market) {
        let tag = tag(&market.api.get(Some(who), &path).await);
        let bodies = (0..8).map(|turn| if turn % 2 == 0 { &one } else { &two });
        let race = bodies.map(|body| change(&market, who, &path, &tag, body));
        let answers = futures::future::join_all(race).await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        let (made, refused): (Vec<u16>, _) = statuses.iter().partition(|status| **status == 200);
        assert_eq!(made.len(), 1, "{path}: {statuses:?}");
        assert!(refused.iter().all(|status| *status == 412), "{path}: {statuses:?}");
    }
    market.api.close().await;
}
