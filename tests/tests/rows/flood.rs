#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use futures::{StreamExt, stream};
use market::cargo::flood::{Flood, Plan};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::Person;
use tests::until::until_sql;

/// Sends batches, four at a time; returns how many events were accepted and how many quarantined.
async fn send(person: &Person, batches: Vec<Value>) -> (u64, u64) {
    let answers = stream::iter(batches).map(async |batch| person.post("/v1/cargo-events", batch).await.ok());
    let count = |(accepted, quarantined), answer: Value| {
        let named = answer["quarantined"].as_array().map_or(0, |all| all.len() as u64);
        std::future::ready((accepted + answer["accepted"].as_u64().unwrap(), quarantined + named))
    };
    answers.buffer_unordered(4).fold((0, 0), count).await
}

/// A flood as carriers send it, through the API, the broker and the consumer: whatever comes late, twice, corrected, ahead of its time or
/// broken, the log and the shipments are in the end what the flood's own record says.
#[tokio::test(flavor = "multi_thread")]
async fn row_flood_of_events_ends_as_its_record_says() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let at = sqlx::query_scalar("SELECT now()").fetch_one(&market.db.pool).await.unwrap();
    let plan = Plan { seed: 20_261_128, events: 20_000, shipments: 400, tag: "flood".to_owned(), at };
    let mut flood = Flood::new(plan);
    let batches = std::iter::from_fn(|| Some(flood.batch(1000)).filter(|batch| !batch.is_empty()));
    let first = send(&ann, batches.map(|batch| json!(batch)).collect()).await;
    let changed = flood.changed();
    let record = flood.record();
    let stored = i64::try_from(record.stored).unwrap();
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events", stored).await;
    // They name events that the log has, and say something else of them; the last event shows that all of them were consumed.
    let second = send(&ann, changed.chunks(1000).map(|batch| json!(batch)).collect()).await;
    let last = json!({"source": "end", "source_event_id": "end", "shipment": "end", "type": "actual", "status": "pending",
        "occurred_at": at});
    let _ = ann.post("/v1/cargo-events", last).await.ok();
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events WHERE shipment = 'end'", 1).await;

    assert_eq!(first.0 + second.0, 20_000 - record.quarantined);
    assert_eq!((first.1 + second.1, record.sent), (record.quarantined, 20_000));
    assert!(record.quarantined > 5 && changed.len() > 100, "{} and {}", record.quarantined, changed.len());
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events", stored + 1).await;
    let quarantined = i64::try_from(record.quarantined).unwrap();
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_rejects", quarantined).await;
    let asked = stream::iter(&record.standings).map(async |(shipment, expected)| {
        let found = ann.get(&format!("/v1/shipments/{shipment}/standing")).await.ok();
        let expected = serde_json::to_value(expected).unwrap();
        (found != expected).then(|| format!("{shipment}: {found}, not {expected}"))
    });
    let wrong: Vec<String> = asked.buffer_unordered(8).filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), record.standings.len());
    market.close().await;
}
