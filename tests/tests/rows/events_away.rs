#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::testing::NetworkFault;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur};
use tests::until::PATIENCE;

/// How the reports come: so many requests of so many events each, this far apart.
struct Load {
    requests: usize,
    events: usize,
    apart: Duration,
}

/// The events of a request, each of a shipment of its own that was picked up and, by the last one, delivered.
fn reports(now: DateTime<Utc>, load: &Load, request: usize) -> Value {
    let status = if request + 1 == load.requests { "delivered" } else { "in_transit" };
    let occurred_at = now + TimeDelta::milliseconds(i64::try_from(request).unwrap()) - TimeDelta::hours(1);
    let event = |number: usize| {
        json!({"source": "carrier", "source_event_id": format!("{request}-{number}"), "shipment": format!("AWAY-{number}"),
            "type": "actual", "status": status, "occurred_at": occurred_at})
    };
    (0..load.events).map(event).collect()
}

async fn send(carrier: &Person, reports: &Value) {
    let answer = carrier.post("/v1/cargo-events", reports.clone()).await;
    let accepted = reports.as_array().unwrap().len();
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({"accepted": accepted})));
}

async fn stored(market: &TestInstallation) -> usize {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM cargo_events").fetch_one(&market.db.pool).await.unwrap();
    usize::try_from(count).unwrap()
}

/// Waits until so many are stored, as long as there are more of them from time to time.
async fn until_stored(market: &TestInstallation, wanted: usize) {
    let (mut before, mut since) = (0, Instant::now());
    loop {
        let now = stored(market).await;
        if now == wanted {
            return;
        }
        if now > before {
            (before, since) = (now, Instant::now());
        }
        assert!(now < wanted && since.elapsed() < PATIENCE, "{now} of {wanted} events");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Carriers report while the database of the events is away. Each report is taken, RabbitMQ keeps it, people buy meanwhile as ever; when
/// the database is back, every event is in its log once, also those that were sent again.
async fn reports_while_away(load: &Load) {
    let (market, proxy) = TestInstallation::with_events_behind_a_proxy().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("100.00")})).await;
    let now = market.time().await;
    let standing = format!("/v1/shipments/AWAY-{}/standing", load.events - 1);
    let first = reports(now, load, 0);
    send(&ann, &first).await;
    until_stored(&market, load.events).await;
    ann.until(&standing, "status", "in_transit").await;

    proxy.set(NetworkFault::Refuse);
    proxy.cut();
    for request in 1..load.requests {
        send(&ann, &reports(now, load, request)).await;
        tokio::time::sleep(load.apart).await;
    }
    let (ann, bob) = (market.anew(&ann).await, market.anew(&bob).await);
    send(&ann, &first).await;
    assert_eq!(ann.get(&standing).await.status, 503, "what is in that log cannot be read");
    bob.buys(&listing, 1, eur("100.00")).await;
    assert_eq!(stored(&market).await, load.events, "what was stored before, and nothing else");

    proxy.set(NetworkFault::None);
    until_stored(&market, load.requests * load.events).await;
    ann.until(&standing, "status", "delivered").await;
    // This one is stored after what was sent twice.
    let last = json!([{"source": "carrier", "source_event_id": "last", "shipment": "LAST", "type": "actual",
        "status": "pending", "occurred_at": now}]);
    send(&ann, &last).await;
    ann.until_that("/v1/shipments/LAST/events", |history| {
        history["items"].as_array().is_some_and(|all| !all.is_empty())
    })
    .await;
    assert_eq!(stored(&market).await, load.requests * load.events + 1);
    let once: i64 = sqlx::query_scalar("SELECT count(DISTINCT (source, source_event_id)) FROM cargo_events")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    assert_eq!(usize::try_from(once).unwrap(), load.requests * load.events + 1);
    market.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_reports_are_taken_while_the_events_database_is_away_and_stored_once() {
    reports_while_away(&Load { requests: 21, events: 50, apart: Duration::ZERO }).await;
}

/// Ten minutes, at ten thousand events a minute.
#[tokio::test(flavor = "multi_thread")]
async fn soak_ten_minutes_of_reports_while_the_events_database_is_away() {
    reports_while_away(&Load { requests: 601, events: 167, apart: Duration::from_secs(1) }).await;
}
