//! A flood as carriers send it: late, twice, out of order, corrected, ahead of time and broken. Two consumers take it, and
//! everything ends where the flood's own record says.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::cargo::topology;
use market::cargo::store::{page_rejects, standing};
use market::cargo::{CargoEvent, EventType, Position, ShipmentStatus, StoredEvent};
use serde_json::json;
use shared::testing::NetworkFault;

use super::test_lane::{ORG, TestLane, event, events, until};

/// Numbers that look random and are the same each time.
struct Seeded(u64);

impl Seeded {
    /// A number below `end`, by the splitmix64 generator.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}

/// What is sent, and what should be there in the end.
struct Flood {
    /// In the order of sending, some of them several times.
    sent: Vec<CargoEvent>,
    /// Each event once, by shipment.
    record: BTreeMap<String, Vec<CargoEvent>>,
    /// How many of those sent have an impossible time, each another one.
    impossible: usize,
}

impl Flood {
    /// `count` different events of a shipment for every forty of them, around `now`.
    fn of(seed: u64, count: usize, now: DateTime<Utc>) -> Self {
        let mut seeded = Seeded(seed);
        let mut flood = Self { sent: Vec::new(), record: BTreeMap::new(), impossible: 0 };
        for number in 0..count {
            let event = one(&mut seeded, number, count / 40, now);
            if event.occurred_at > now + TimeDelta::days(2) {
                flood.impossible += 1;
            } else {
                flood.record.entry(event.shipment.clone()).or_default().push(event.clone());
            }
            flood.sent.push(event);
        }
        for _ in 0..count / 20 {
            let again = flood.sent[seeded.place(count)].clone();
            // A repeat of an impossible one is counted with the reject.
            flood.sent.push(again);
        }
        for place in (1..flood.sent.len()).rev() {
            flood.sent.swap(place, seeded.place(place + 1));
        }
        flood
    }
}

fn one(seeded: &mut Seeded, number: usize, shipments: usize, now: DateTime<Utc>) -> CargoEvent {
    use ShipmentStatus::{
        AttemptFailed, Cancelled, Delivered, Exception, InTransit, OutForDelivery, PickedUp, Returned,
    };
    const STATUSES: [ShipmentStatus; 10] = [
        PickedUp,
        InTransit,
        InTransit,
        InTransit,
        OutForDelivery,
        AttemptFailed,
        Exception,
        Delivered,
        Returned,
        Cancelled,
    ];
    let minutes = i64::try_from(seeded.below(10_000)).unwrap();
    let occurred_at = match seeded.below(200) {
        0 => now + TimeDelta::hours(5),
        1 => now + TimeDelta::days(3000 + i64::try_from(number).unwrap()),
        _ => now - TimeDelta::minutes(minutes),
    };
    let status = if seeded.one_in(2) { None } else { Some(STATUSES[seeded.place(STATUSES.len())]) };
    // An earlier event of the same shipment, mostly.
    let corrected = number.checked_sub(shipments * (1 + seeded.place(3)));
    CargoEvent {
        shipment: format!("S-{}", number % shipments),
        kind: if seeded.one_in(10) { EventType::Estimated } else { EventType::Actual },
        sequence: i64::try_from(seeded.below(3)).unwrap(),
        position: Some(Position { latitude: 50.0, longitude: f64::from(u32::try_from(number % 180).unwrap()) }),
        corrects: corrected.filter(|_| seeded.one_in(15)).map(|number| number.to_string()),
        status,
        occurred_at,
        ..event(number)
    }
}

#[tokio::test]
async fn a_flood_of_20_000_events_ends_as_its_own_record_says() {
    let lane = TestLane::new().await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&lane.db.pool).await.unwrap();
    let flood = Flood::of(20_261_128, 20_000, now);
    let distinct: usize = flood.record.values().map(Vec::len).sum();
    assert!(flood.impossible > 50 && distinct + flood.impossible == 20_000, "{distinct} and {}", flood.impossible);
    let consumers = [lane.consume(), lane.consume()];
    for (number, batch) in flood.sent.chunks(700).enumerate() {
        lane.publisher.publish(ORG, batch).await.unwrap();
        lane.publish_raw("cargo.actual", format!("poison {number}").as_bytes()).await;
    }
    lane.until_stored(distinct as u64).await;
    lane.until_queue((0, 2)).await;
    for consumer in consumers {
        consumer.stop().await;
    }
    lane.assert_acknowledged().await;
    let mut conn = lane.db.pool.acquire().await.unwrap();
    let rejects = page_rejects(&mut conn, None, 10_000).await.unwrap();
    assert_eq!(rejects.len(), flood.impossible + flood.sent.len().div_ceil(700));
    let mut wrong = Vec::new();
    for (shipment, events) in &flood.record {
        let stored = events.iter().map(|event| StoredEvent { id: 0, recorded_at: now, event: event.clone() });
        let expected = market::cargo::standing(&stored.collect::<Vec<_>>(), now);
        let found = standing(&mut conn, ORG, shipment).await.unwrap();
        if found != expected {
            wrong.push(format!("{shipment}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    drop(conn);
    lane.close().await;
}

/// What is in hand is bounded by the broker's prefetch, however long the outage and however many events come in meanwhile.
#[tokio::test]
async fn while_the_database_is_away_the_consumer_holds_no_more_than_its_prefetch() {
    let lane = TestLane::new().await;
    lane.postgres.set(NetworkFault::Refuse);
    let consumer = lane.consume();
    for one in events(0..1300).chunks(1) {
        lane.publisher.publish(ORG, one).await.unwrap();
    }
    lane.until_queue((300, 1)).await;
    assert_eq!(lane.stored().await, 0);
    lane.postgres.set(NetworkFault::None);
    lane.until_stored(1300).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..1300).collect::<Vec<_>>());
    lane.close().await;
}

/// The store answers, but a third of a second later each time: what comes in faster waits in the queue.
#[tokio::test]
async fn a_slow_database_fills_the_queue_and_the_consumer_holds_no_more_than_its_prefetch() {
    // Events of a message.
    const EACH: usize = 50;
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..EACH)).await.unwrap();
    lane.until_stored(EACH as u64).await;
    lane.postgres.set(NetworkFault::Delay(Duration::from_millis(150)));
    let (mut published, waiting) = (1_usize, Cell::new(0));
    for messages in [1200, 200, 200] {
        for some in events(published * EACH..(published + messages) * EACH).chunks(10_000) {
            lane.publisher.publish(ORG, some).await.unwrap();
        }
        published += messages;
        let before = waiting.get();
        until("more messages wait than before, and no more than 1,000 are in hand", async || {
            let (waits, _) = lane.queue().await;
            waiting.set(waits);
            // Neither waiting nor acknowledged, which comes after they are stored. RabbitMQ counts what waits a moment late.
            let in_hand = (published as u64).saturating_sub(u64::from(waits) + lane.stored().await / EACH as u64);
            waits > before && in_hand <= 1000
        })
        .await;
    }
    until("the slow store has taken some", async || lane.stored().await > EACH as u64).await;
    lane.postgres.set(NetworkFault::None);
    lane.until_stored((published * EACH) as u64).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..published * EACH).collect::<Vec<_>>());
    lane.close().await;
}

/// Both get a part of every batch, and the same events besides.
#[tokio::test]
async fn two_consumers_store_nothing_twice() {
    let lane = TestLane::new().await;
    let consumers = [lane.consume(), lane.consume()];
    for _ in 0..3 {
        for some in events(0..3000).chunks(130) {
            lane.publisher.publish(ORG, some).await.unwrap();
        }
    }
    lane.until_queue((0, 2)).await;
    for consumer in consumers {
        consumer.stop().await;
    }
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..3000).collect::<Vec<_>>());
    lane.close().await;
}

/// What the API puts into quarantine is kept, although it would be recorded if it came any other way: its bounds are narrower.
#[tokio::test]
async fn what_is_quarantined_is_not_recorded() {
    let lane = TestLane::new().await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&lane.db.pool).await.unwrap();
    let ahead = CargoEvent { occurred_at: now + TimeDelta::hours(30), ..event(1) };
    lane.publisher.quarantine(ORG, &[(ahead.clone(), "it is ahead".to_owned())]).await.unwrap();
    lane.publisher.publish(ORG, &[CargoEvent { source_event_id: "2".to_owned(), ..ahead }]).await.unwrap();
    let consumer = lane.consume();
    lane.until_stored(1).await;
    lane.until_queue((0, 1)).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, [2]);
    let mut conn = lane.db.pool.acquire().await.unwrap();
    let rejects = page_rejects(&mut conn, None, 10).await.unwrap();
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].routing_key, topology::QUARANTINE);
    assert!(rejects[0].reason.contains("more than a day ahead"), "{rejects:?}");
    let body = market::cargo::store::get_reject(&mut conn, rejects[0].id).await.unwrap().unwrap().text;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap()["org"], json!(ORG));
    drop(conn);
    lane.close().await;
}
