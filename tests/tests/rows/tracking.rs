//! Shipments that follow their carriers' events, and people who follow shipments.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::installation::socket::Socket;
use tests::until::until_sql;

use super::escrow::offered;
use super::notices::noticed;

const EARTH: &str = "01900000-0000-7000-8001-000000000001";

/// A shipper's two sites, and an item of which there are some units at the first one.
struct Yard {
    sites: [String; 2],
    item: String,
}

impl Yard {
    async fn of(person: &Person) -> Self {
        let mut sites = Vec::new();
        for name in ["Gate Three, Musterstraße 5", "Tycho"] {
            let site = json!({"region_id": EARTH, "name": name, "kind": "station", "latitude": 53.5, "longitude": 10});
            sites.push(id(&person.post("/v1/sites", site).await.ok()));
        }
        let item = json!({"category_id": market::testing::CONSOLES, "sku": "ice", "title": "Secret ice"});
        let item = id(&person.post("/v1/items", item).await.ok());
        let _ = person.post(&format!("/v1/items/{item}/stock/{}/adjust", sites[0]), json!({"to": 20})).await.ok();
        Self { sites: [sites[0].clone(), sites[1].clone()], item }
    }

    /// Sends a unit from site to site; the tracking number.
    async fn sent(&self, person: &Person) -> String {
        let new = json!({"from_site": self.sites[0], "to_site": self.sites[1], "carrier": "Moon Freight",
            "lines": [{"item_id": self.item, "quantity": 1}]});
        person.post("/v1/shipments", new).await.ok()["tracking"].as_str().unwrap().to_owned()
    }
}

/// An actual event, `minutes` ago.
fn event(now: DateTime<Utc>, number: &str, name: &str, status: &str, minutes: i64) -> Value {
    json!({"source": "carrier", "source_event_id": format!("{number}-{name}"), "shipment": number, "type": "actual",
        "status": status, "occurred_at": now - TimeDelta::minutes(minutes)})
}

fn seen(now: DateTime<Utc>, number: &str, name: &str, latitude: f64, minutes: i64) -> Value {
    let mut event = event(now, number, name, "in_transit", minutes);
    event["position"] = json!({"latitude": latitude, "longitude": 13.377_704});
    event
}

async fn database_time(market: &TestInstallation) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&market.db.pool).await.unwrap()
}

/// A carrier's reports go through the lane into the log, and the shipment goes where they say: late ones change nothing, a jump to
/// "delivered" takes the goods out of one stock book and into the other, and nothing is done twice.
#[tokio::test(flavor = "multi_thread")]
async fn row_carriers_events_move_shipments() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let yard = Yard::of(&ann).await;
    let now = database_time(&market).await;
    let (first, jumped) = (yard.sent(&ann).await, yard.sent(&ann).await);
    let path = |number: &str| format!("/v1/shipments/{number}");
    let on_hand = async |site: &str| {
        let level = ann.get(&format!("/v1/items/{}/stock/{site}", yard.item)).await;
        level.body["on_hand"].as_i64().unwrap_or_default()
    };
    market.until_quiet().await;

    // A reference that is nobody's shipment is recorded like any other.
    let some = json!([event(now, &first, "1", "picked_up", -1), event(now, "S-1", "1", "delivered", -1)]);
    let _ = ann.post("/v1/cargo-events", some).await.ok();
    ann.until(&path(&first), "status", "picked_up").await;
    assert_eq!(on_hand(&yard.sites[0]).await, 19);
    let failed = event(now, &first, "2", "attempt_failed", -3);
    for _ in 0..3 {
        let _ = ann.post("/v1/cargo-events", failed.clone()).await.ok();
    }
    ann.until(&path(&first), "status", "attempt_failed").await;
    let _ = ann.post("/v1/cargo-events", event(now, &first, "late", "out_for_delivery", -2)).await.ok();
    let _ = ann.post("/v1/cargo-events", event(now, &jumped, "1", "delivered", -2)).await.ok();
    ann.until(&path(&jumped), "status", "delivered").await;
    let _ = ann.post("/v1/cargo-events", event(now, &first, "3", "delivered", -4)).await.ok();
    let delivered = ann.until(&path(&first), "status", "delivered").await;
    market.until_quiet().await;
    assert_eq!((on_hand(&yard.sites[0]).await, on_hand(&yard.sites[1]).await), (18, 2));
    assert_eq!(ann.get(&path(&first)).await.ok()["version"], delivered["version"]);
    assert_eq!(delivered["lines"][0]["delivered_quantity"], 1);
    let mails = market.mail.list();
    let count = mails.iter().filter(|one| one.is_to(&ann.email) && one.subject.contains("Not delivered")).count();
    assert_eq!(count, 1, "an attempt that is reported three times is one");
    market.close().await;
}

/// What a buyer has paid is damaged on its way and cannot be handed over: seller and buyer have one mail and one notice of each, however
/// often carriers say so, and another one when the same happens again later.
#[tokio::test(flavor = "multi_thread")]
async fn row_critical_events_are_mailed_once_to_both_parties() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let order = bob.buys(&offered(&ann).await, 2, eur("100.00")).await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let part = json!({"order_id": order, "carrier": "Hansa Freight", "lines": [{"order_line": 1, "quantity": 1}]});
        numbers.push(ann.post("/v1/shipments", part).await.ok()["tracking"].as_str().unwrap().to_owned());
    }
    let (damaged, refused) = (&numbers[0], &numbers[1]);
    let now = database_time(&market).await;
    let path = |number: &str| format!("/v1/shipments/{number}");
    let report = async |event: &Value, times: usize| {
        for _ in 0..times {
            let _ = ann.post("/v1/cargo-events", event.clone()).await.ok();
        }
    };
    let recorded = async |count: i64| {
        until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events WHERE source = 'carrier'", count).await;
        until_sql(&market.db.pool, "SELECT count(*) FROM cargo_marks", 0).await;
        market.until_quiet().await;
    };
    let heard = async |subject: &str, kind: &str, count: usize| {
        for party in [&ann, &bob] {
            let heard = (market.mails(party, subject), noticed(party, kind).await);
            assert_eq!(heard, (count, count), "{subject} to {}", party.email);
        }
    };
    let (problem, vain) = (("Problem on the way", "shipment_exception"), ("Not delivered", "shipment_attempt_failed"));

    report(&event(now, damaged, "1", "exception", -1), 3).await;
    ann.until(&path(damaged), "status", "exception").await;
    // Another report of the same.
    report(&event(now, damaged, "2", "exception", -2), 2).await;
    recorded(2).await;
    heard(problem.0, problem.1, 1).await;

    report(&event(now, damaged, "3", "in_transit", -3), 1).await;
    bob.until(&path(damaged), "status", "in_transit").await;
    report(&event(now, damaged, "4", "exception", -4), 3).await;
    bob.until(&path(damaged), "status", "exception").await;
    report(&event(now, refused, "1", "attempt_failed", -1), 3).await;
    bob.until(&path(refused), "status", "attempt_failed").await;
    report(&event(now, refused, "2", "attempt_failed", -2), 1).await;
    recorded(6).await;
    heard(problem.0, problem.1, 2).await;
    heard(vain.0, vain.1, 1).await;
    market.close().await;
}

/// A subscriber sees each status and position after it was reported, in the order in which they hold; what comes late never undoes
/// "delivered". Nobody else can subscribe.
#[tokio::test(flavor = "multi_thread")]
async fn row_live_tracking() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let yard = Yard::of(&ann).await;
    let now = database_time(&market).await;
    let number = yard.sent(&ann).await;
    let topic = format!("shipment:{number}");
    let mut socket = Socket::open(&market.base, &ann).await;
    let snapshot = socket.follow(&topic).await;
    assert_eq!((&snapshot["type"], &snapshot["data"]["status"]), (&json!("snapshot"), &json!("pending")));
    let mut strange = Socket::open(&market.base, &bob).await;
    assert_eq!(strange.follow(&topic).await["code"], "not_found");
    assert_eq!(strange.follow("shipment:TY00000000000000000").await["code"], "not_found");

    let report = async |event: Value| drop(ann.post("/v1/cargo-events", event).await.ok());
    report(seen(now, &number, "1", 52.5, -1)).await;
    let moving = socket.until(|message| message["data"]["status"] == "in_transit").await;
    assert!(moving["seq"].as_i64() > snapshot["seq"].as_i64(), "{moving}");
    for (name, latitude) in [("2", 52.6), ("3", 52.7), ("4", 52.8)] {
        report(seen(now, &number, name, latitude, -2)).await;
    }
    report(seen(now, &number, "5", 52.9, -3)).await;
    let last = socket.until(|message| message["data"]["position"]["latitude"] == 52.9).await;
    report(event(now, &number, "6", "delivered", -4)).await;
    let delivered = socket.until(|message| message["data"]["status"] == "delivered").await;
    assert!(delivered["seq"].as_i64() > last["seq"].as_i64(), "{delivered}");

    // Late and later events: the log has them, and the shipment stays.
    report(event(now, &number, "late", "in_transit", -2)).await;
    report(event(now, &number, "later", "exception", -4)).await;
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events WHERE source = 'carrier'", 8).await;
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_marks", 0).await;
    market.until_quiet().await;
    let mut again = Socket::open(&market.base, &ann).await;
    assert_eq!(again.follow(&topic).await["data"]["status"], "delivered");
    market.close().await;
}

/// Whoever knows a tracking number sees how far its shipment has come, without an account; nothing about people, organisations, goods
/// and addresses; and any other number is not found.
#[tokio::test(flavor = "multi_thread")]
async fn row_public_tracking_by_number() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let yard = Yard::of(&ann).await;
    let now = database_time(&market).await;
    let number = yard.sent(&ann).await;
    let path = format!("/v1/track/{number}");
    let waiting = market.get(&path).await.ok();
    assert_eq!(
        (&waiting["status"], &waiting["from"], &waiting["to"]),
        (&json!("pending"), &json!("Earth"), &json!("Earth"))
    );
    // Journeys that took 1 to 5 days, of shipments without goods, which is against the rules.
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query(
        "INSERT INTO shipment_journeys (shipment_id, from_site, to_site, from_region, to_region, ended_at, took)
         SELECT gen_random_uuid(), a.id, b.id, a.region_id, b.region_id, now(), n * interval '1 day'
         FROM shipments AS s
         JOIN sites AS a ON a.id = s.from_site
         JOIN sites AS b ON b.id = s.to_site
         CROSS JOIN generate_series(1, 5) AS n
         WHERE s.tracking = $1",
    )
    .bind(&number)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let mut estimate = event(now, &number, "estimate", "delivered", -60 * 24 * 2);
    estimate["type"] = json!("estimated");
    let _ = ann.post("/v1/cargo-events", estimate.clone()).await.ok();
    let _ = ann.post("/v1/cargo-events", seen(now, &number, "1", 52.516_275, -1)).await.ok();
    ann.until(&format!("/v1/shipments/{number}"), "status", "in_transit").await;
    let seen = market.get(&path).await.ok();
    assert_eq!(seen["expected"]["basis"], "estimated", "{seen}");
    assert_eq!(seen["position"]["latitude"], 52.5);
    assert_eq!(seen["position"]["longitude"], 13.4);
    let statuses: Vec<_> = seen["milestones"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["pending", "picked_up", "in_transit"]);
    assert_eq!(seen["arrival"]["journeys"], 5);
    let picked_up = ann.get(&format!("/v1/shipments/{number}")).await.ok()["picked_up_at"].clone();
    let time = |value: &Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(time(&seen["arrival"]["likely"]) - time(&picked_up), TimeDelta::days(3));
    assert_eq!(time(&seen["expected"]["at"]), time(&estimate["occurred_at"]));
    let text = seen.to_string();
    for secret in ["Ann", "Musterstra", "Gate", "Tycho", "Secret", "ice", &ann.org, &yard.item, &yard.sites[0], "Moon"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // Of its kind, with another last character, and nonsense.
    let last = if number.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &number[..number.len() - 1]);
    let mut answers = Vec::new();
    for wrong in ["TY00000000000000000", &mistyped, "x", &number.to_lowercase()] {
        let mut answer = market.get(&format!("/v1/track/{wrong}")).await;
        answer.refused(404, "not_found");
        answer.body.as_object_mut().unwrap().remove("trace_id");
        answer.body.as_object_mut().unwrap().remove("instance");
        answers.push(answer.body);
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
    market.close().await;
}

/// Nothing is heard of a shipment for three days: its shipper is told once, everybody sees it, and the next report ends it.
#[tokio::test(flavor = "multi_thread")]
async fn row_silent_shipments_alert_once() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let yard = Yard::of(&ann).await;
    let now = database_time(&market).await;
    let number = yard.sent(&ann).await;
    let path = format!("/v1/shipments/{number}");
    let _ = ann.post("/v1/cargo-events", event(now, &number, "1", "in_transit", -1)).await.ok();
    ann.until(&path, "status", "in_transit").await;
    market.until_quiet().await;
    sqlx::query("UPDATE shipment_traces SET seq = seq + 1, heard_at = heard_at - interval '73 hours'")
        .execute(&market.db.pool)
        .await
        .unwrap();
    for _ in 0..2 {
        let _ = admin.post("/v1/schedules/cargo.stale_tracking/run-now", json!({})).await.ok();
        ann.until_that(&path, |shipment| shipment["stalled_since"].is_string()).await;
        market.until_quiet().await;
    }
    assert_eq!(market.get(&format!("/v1/track/{number}")).await.ok()["stalled"], true);
    let mails = market.mail.list();
    let told = mails.iter().filter(|one| one.is_to(&ann.email) && one.subject.contains("Nothing heard")).count();
    assert_eq!(told, 1);
    let _ = ann.post("/v1/cargo-events", seen(now, &number, "2", 52.5, -2)).await.ok();
    ann.until_that(&path, |shipment| shipment["stalled_since"].is_null()).await;
    market.close().await;
}
