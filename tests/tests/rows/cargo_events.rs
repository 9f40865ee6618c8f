#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::until::until_sql;

/// An actual event, `minutes` ago.
fn event(now: DateTime<Utc>, id: &str, shipment: &str, status: &str, minutes: i64) -> Value {
    json!({"source": "carrier", "source_event_id": format!("{shipment}-{id}"), "shipment": shipment, "type": "actual",
        "status": status, "occurred_at": now - TimeDelta::minutes(minutes)})
}

fn correcting(mut event: Value, shipment: &str, id: &str) -> Value {
    event["corrects"] = json!(format!("{shipment}-{id}"));
    event
}

async fn database_time(market: &TestInstallation) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT now()").fetch_one(&market.db.pool).await.unwrap()
}

/// A carrier reports a delivery, takes that back, and takes the correction back. Everything stays in the history, and nobody
/// who is not the owner of the tables can change any of it.
#[tokio::test(flavor = "multi_thread")]
async fn row_event_log_append_only_with_corrections() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let now = database_time(&market).await;
    let standing = "/v1/shipments/S-1/standing";
    let _ = ann
        .post(
            "/v1/cargo-events",
            json!([event(now, "1", "S-1", "in_transit", 60), event(now, "2", "S-1", "delivered", 30)]),
        )
        .await
        .ok();
    ann.until(standing, "status", "delivered").await;
    let failed = correcting(event(now, "3", "S-1", "attempt_failed", 30), "S-1", "2");
    let _ = ann.post("/v1/cargo-events", failed).await.ok();
    ann.until(standing, "status", "attempt_failed").await;
    let mistaken = correcting(event(now, "4", "S-1", "in_transit", 29), "S-1", "3");
    let _ = ann.post("/v1/cargo-events", mistaken).await.ok();
    ann.until(standing, "status", "delivered").await;
    let history = ann.get("/v1/shipments/S-1/events").await.ok();
    let ids: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|one| one["source_event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["S-1-1", "S-1-2", "S-1-3", "S-1-4"]);
    for statement in [
        "UPDATE cargo_events SET status = 'lost'",
        "DELETE FROM cargo_events",
        "TRUNCATE cargo_events",
        "DELETE FROM cargo_event_keys",
    ] {
        sqlx::query(statement).execute(&market.db.app).await.expect_err(statement);
    }
    market.close().await;
}

/// The same events of two shipments: one gets them in order and in one request, the other late, twice, backwards and mixed with
/// nonsense. Both stand at the same in the end, and an operator finds the nonsense and mends it.
#[tokio::test(flavor = "multi_thread")]
async fn row_live_events_out_of_order_end_the_same() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let now = database_time(&market).await;
    let life = |shipment: &str| {
        let mut events = vec![
            event(now, "1", shipment, "pending", 90),
            event(now, "2", shipment, "picked_up", 80),
            correcting(event(now, "3", shipment, "exception", 70), shipment, "9"),
            event(now, "4", shipment, "in_transit", 60),
            event(now, "9", shipment, "delivered", 75),
            event(now, "5", shipment, "out_for_delivery", 10),
            // The carrier's clock is ahead by hours.
            event(now, "6", shipment, "delivered", -300),
        ];
        events[3]["position"] = json!({"latitude": 52.5, "longitude": 13.4});
        events
    };
    let _ = ann.post("/v1/cargo-events", json!(life("IN-ORDER"))).await.ok();
    let mut strange = event(now, "7", "MIXED", "delivered", 0);
    strange["occurred_at"] = json!("1970-01-01T00:00:00Z");
    for round in 0..2 {
        let mut events = life("MIXED");
        events.reverse();
        events.rotate_left(round * 2);
        for two in events.chunks(2) {
            let sent = json!([two, &[strange.clone()]].concat());
            let answer = ann.post("/v1/cargo-events", sent).await.ok();
            assert_eq!(answer["quarantined"][0]["pointer"], json!(format!("/{}/occurred_at", two.len())));
        }
    }
    for shipment in ["IN-ORDER", "MIXED"] {
        ann.until(&format!("/v1/shipments/{shipment}/standing"), "status", "out_for_delivery").await;
    }
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events", 14).await;
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_rejects", 1).await;
    let stands =
        [ann.get("/v1/shipments/IN-ORDER/standing").await.ok(), ann.get("/v1/shipments/MIXED/standing").await.ok()];
    assert_eq!(stands[0], stands[1]);
    assert_eq!(stands[0]["position"]["latitude"], json!(52.5));

    let rejects = admin.get("/v1/admin/cargo-rejects").await.ok();
    let reject = &rejects["items"][0];
    assert_eq!(reject["reason"], "/occurred_at is more than two years ago");
    let mended = json!({"message": {"org": ann.org, "events": [event(now, "7", "MIXED", "delivered", 1)]}});
    let _ = admin.post(&format!("/v1/admin/cargo-rejects/{}/replay", reject["id"]), mended).await.ok();
    ann.until("/v1/shipments/MIXED/standing", "status", "delivered").await;
    market.close().await;
}
