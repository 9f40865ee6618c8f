//! The lane from end to end, with real servers: publisher, RabbitMQ, consumer, log.

mod archive;
mod dock;
mod faults;
mod flood;
mod following;
mod test_lane;

use std::collections::BTreeMap;

use jobs::cargo::CreatePartitions;
use market::cargo::store::{list, standing};
use market::cargo::{CargoEvent, ShipmentStatus};
use queue::JobTx;
use queue::testing::{TestQueue, rows};
use queue::worker::Handlers;
use serde_json::json;
use shared::config::{Config, Source};
use shared::testing::TestDb;

use self::test_lane::{ORG, TestLane, event, events};
use crate::Services;

#[tokio::test]
async fn published_events_are_in_the_log_once() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..1)).await.unwrap();
    lane.until_stored(1).await;
    lane.publisher.publish(ORG, &events(1..2000)).await.unwrap();
    // The same again, in other messages and mixed with new ones.
    lane.publisher.publish(ORG, &events(0..70)).await.unwrap();
    lane.publisher.publish(ORG, &events(1950..2050)).await.unwrap();
    lane.until_stored(2050).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..2050).collect::<Vec<_>>());
    lane.close().await;
}

#[tokio::test]
async fn a_late_event_does_not_undo_delivered() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    let with = |id, status| CargoEvent { status: Some(status), shipment: "S-9".to_owned(), ..event(id) };
    lane.publisher.publish(ORG, &[with(20, ShipmentStatus::Delivered)]).await.unwrap();
    lane.until_stored(1).await;
    lane.publisher
        .publish(ORG, &[with(10, ShipmentStatus::InTransit), with(30, ShipmentStatus::Exception)])
        .await
        .unwrap();
    lane.until_stored(3).await;
    let mut conn = lane.db.pool.acquire().await.unwrap();
    assert_eq!(standing(&mut conn, ORG, "S-9").await.unwrap().status, Some(ShipmentStatus::Delivered));
    let page = list(&mut conn, ORG, "S-9", None, 10).await.unwrap();
    let ids: Vec<&str> = page.events.iter().map(|stored| stored.event.source_event_id.as_str()).collect();
    assert_eq!(ids, ["10", "20", "30"], "history is by occurrence");
    drop(conn);
    consumer.stop().await;
    lane.close().await;
}

#[tokio::test]
async fn poison_is_parked_and_the_rest_goes_on() {
    let lane = TestLane::new().await;
    lane.publish_raw("cargo.actual", b"\xff\x00 not JSON").await;
    lane.publish_raw("cargo.actual", b"{}").await;
    lane.publish_raw("cargo.strange", &vec![b'['; 300_000]).await;
    let mut bad = serde_json::to_value(event(2)).unwrap();
    bad["position"] = json!({"latitude": 1000, "longitude": 0});
    let mixed = json!({"org": ORG, "events": [event(1), bad, {"source": 1}, event(3)]});
    lane.publish_raw("cargo.actual", mixed.to_string().as_bytes()).await;
    lane.publish_raw("cargo.actual", json!({"org": ORG, "events": [event(4)]}).to_string().as_bytes()).await;
    let consumer = lane.consume();
    lane.until_stored(3).await;
    consumer.stop().await;
    assert_eq!(lane.stored_ids().await, [1, 3, 4]);
    lane.assert_acknowledged().await;
    let rejects: Vec<(i64, i32)> =
        sqlx::query_as("SELECT size, octet_length(bytes) FROM cargo_rejects ORDER BY size DESC")
            .fetch_all(&lane.db.pool)
            .await
            .unwrap();
    assert_eq!(rejects.len(), 5, "{rejects:?}");
    assert_eq!(rejects[0], (300_000, 65_536));
    lane.close().await;
}

/// What validation lets through and the database refuses is found by halving.
#[tokio::test]
async fn an_event_that_the_database_refuses_is_parked_alone() {
    let lane = TestLane::new().await;
    lane.sql("ALTER TABLE cargo_events ADD CONSTRAINT surprise CHECK (source_event_id NOT IN ('77', '300'))").await;
    lane.publisher.publish(ORG, &events(0..1000)).await.unwrap();
    let consumer = lane.consume();
    lane.until_stored(998).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    let reasons: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM cargo_rejects").fetch_all(&lane.db.pool).await.unwrap();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].contains("surprise"), "{reasons:?}");
    lane.close().await;
}

#[tokio::test]
async fn the_job_makes_the_coming_months_and_prunes_rejects() {
    let db = TestDb::new().await;
    let env = BTreeMap::from([("DATABASE_URL".to_owned(), db.url())]);
    let config = Config::from_source(Source::new("", env)).unwrap();
    let services = Services::new(&config).unwrap();
    let queue = TestQueue::new(&db.app, Handlers::default().with::<CreatePartitions>(), services).await;
    let before: i64 = count_partitions(&db).await;
    for _ in 0..2 {
        let mut tx: JobTx = queue::Ledger::new(db.app.clone()).begin().await.unwrap();
        let _enqueued = tx.enqueue(&CreatePartitions { months_ahead: 6, ..CreatePartitions::default() }).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(queue.drain().await, 1);
    }
    assert_eq!(count_partitions(&db).await, before + 3);
    let results: Vec<_> = rows(&db.pool, "cargo.partitions").await.into_iter().map(|row| row.result.unwrap()).collect();
    let result =
        |made: u32| json!({"partitions_made": made, "key_years_dropped": 0, "rejects_pruned": 0, "captures_pruned": 0});
    assert_eq!(results, [result(9), result(0)]);
    db.close().await;
}

async fn count_partitions(db: &TestDb) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM pg_inherits WHERE inhparent = 'cargo_events'::regclass")
        .fetch_one(&db.pool)
        .await
        .unwrap()
}
