use std::sync::atomic::{AtomicU32, Ordering};

use chrono::DateTime;
use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeclareOptions, QueueDeclareOptions, QueueDeleteOptions,
    QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ExchangeKind};
use market::cargo::store::count;
use market::cargo::{EventMessage, Position, ShipmentStatus};
use proptest::prelude::*;
use queue::transport::rabbit::connection::connect;
use secrecy::SecretString;
use serde_json::value::RawValue;
use shared::testing::TestDb;
use tokio::task::JoinSet;

use super::*;

const ORG: OrgId = OrgId(uuid::Uuid::from_u128(7));

fn event(id: usize, kind: EventType) -> CargoEvent {
    CargoEvent {
        source: "lane-test".to_owned(),
        source_event_id: id.to_string(),
        sequence: 1,
        shipment: "S-1".to_owned(),
        kind,
        status: Some(ShipmentStatus::InTransit),
        occurred_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        position: Some(Position { latitude: 1.5, longitude: -2.5 }),
        corrects: None,
        payload: None,
    }
}

fn actual(ids: std::ops::Range<usize>) -> Vec<CargoEvent> {
    ids.map(|id| event(id, EventType::Actual)).collect()
}

#[expect(clippy::disallowed_methods, reason = "names the test server")]
fn url() -> SecretString {
    std::env::var("AMQP_URL").expect("AMQP_URL names the test server; run ./dev test").into()
}

/// A lane under a name of its own, and a connection of its own to observe it.
struct TestLane {
    namespace: String,
    publisher: EventLane,
    connection: Connection,
    channel: Channel,
}

impl TestLane {
    async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("lane-test-{}-{count}", std::process::id());
        let connection = connect(&url(), "lane test").await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let publisher = EventLane::Broker(BrokerLane::new(url(), &namespace));
        Self { namespace, publisher, connection, channel }
    }

    fn queue(&self) -> ShortString {
        topology::queue(&self.namespace).into()
    }

    /// Takes messages until `count` events have come.
    async fn take(&self, count: usize) -> Vec<(String, Vec<CargoEvent>)> {
        let tag = ShortString::from("side");
        let consume =
            self.channel.basic_consume(self.queue(), tag, BasicConsumeOptions::default(), FieldTable::default());
        let mut deliveries = consume.await.unwrap();
        let (mut taken, mut events) = (Vec::new(), 0);
        while events < count {
            let delivery = deliveries.next().await.unwrap().unwrap();
            assert_eq!(*delivery.properties.delivery_mode(), Some(PERSISTENT));
            let EventMessage { org, events: message } = serde_json::from_slice(&delivery.data).unwrap();
            assert_eq!(org, ORG);
            delivery.ack(BasicAckOptions::default()).await.unwrap();
            events += message.len();
            taken.push((delivery.routing_key.to_string(), message));
        }
        taken
    }

    async fn waiting(&self) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(self.queue(), passive, FieldTable::default()).await.unwrap();
        queue.message_count()
    }

    /// Tries several times: a busy RabbitMQ takes its time to delete a quorum queue, and answers
    /// with an internal error in the meantime.
    async fn delete_lane(&self) {
        for _ in 0..5 {
            let connection = connect(&url(), "lane test").await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            if topology::delete(&channel, &self.namespace).await.is_ok() {
                return;
            }
        }
        panic!("the lane cannot be deleted");
    }

    async fn close(self) {
        self.delete_lane().await;
    }
}

#[tokio::test]
async fn events_are_in_the_queue_when_publish_returns() {
    let lane = TestLane::new().await;
    let mut events = actual(0..120);
    events.push(event(120, EventType::Planned));
    lane.publisher.publish(ORG, &events).await.unwrap();
    let of = |source: &str, id| CargoEvent { source: source.to_owned(), ..event(id, EventType::Actual) };
    let others = [of("carrier:hansa", 121), of("scan.north", 122), of("carrier:hansa", 123)];
    lane.publisher.publish(ORG, &others).await.unwrap();
    // A quorum queue's count lags a moment behind what it has confirmed.
    let taken = lane.take(124).await;
    let keys: Vec<(&str, usize)> = taken.iter().map(|(key, events)| (key.as_str(), events.len())).collect();
    let ours = "cargo.lane-test.actual";
    let first = [("cargo.lane-test.planned", 1), (ours, 50), (ours, 50), (ours, 20)];
    let others = [("cargo.carrier:hansa.actual", 2), ("cargo.scan_north.actual", 1)];
    assert_eq!(keys, [first.as_slice(), &others].concat());
    lane.publisher.publish(ORG, &[]).await.unwrap();
    lane.publisher.ping().await.unwrap();
    lane.close().await;
}

#[tokio::test]
async fn many_callers_share_a_connection() {
    let lane = TestLane::new().await;
    let callers: JoinSet<()> = (0..32)
        .map(|caller| {
            let lane = lane.publisher.clone();
            async move {
                for round in 0..5 {
                    let first = caller * 1000 + round * 10;
                    lane.publish(ORG, &actual(first..first + 10)).await.unwrap();
                }
            }
        })
        .collect();
    callers.join_all().await;
    let mut ids: Vec<usize> = lane
        .take(1600)
        .await
        .into_iter()
        .flat_map(|(_, events)| events)
        .map(|event| event.source_event_id.parse().unwrap())
        .collect();
    ids.sort_unstable();
    let expected: Vec<usize> = (0..32).flat_map(|caller| caller * 1000..caller * 1000 + 50).collect();
    assert_eq!(ids, expected);
    lane.close().await;
}

#[tokio::test]
async fn a_deleted_queue_or_exchange_is_made_again() {
    let lane = TestLane::new().await;
    lane.publisher.publish(ORG, &actual(0..1)).await.unwrap();
    lane.channel.queue_purge(lane.queue(), QueuePurgeOptions::default()).await.unwrap();
    lane.channel.queue_delete(lane.queue(), QueueDeleteOptions::default()).await.unwrap();
    lane.publisher.publish(ORG, &actual(1..2)).await.unwrap();
    assert_eq!(lane.take(1).await[0].1[0].source_event_id, "1");
    lane.delete_lane().await;
    lane.publisher.publish(ORG, &actual(2..3)).await.unwrap();
    let side = TestLane { channel: lane.connection.create_channel().await.unwrap(), ..lane };
    assert_eq!(side.take(1).await[0].1[0].source_event_id, "2");
    side.close().await;
}

/// A queue of another type is in the way: events cannot be taken, and nothing may claim that they
/// were.
#[tokio::test]
async fn without_a_queue_there_is_no_ok() {
    let lane = TestLane::new().await;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let exchange = ShortString::from(topology::exchange(&lane.namespace));
    lane.channel.exchange_declare(exchange, ExchangeKind::Topic, durable, FieldTable::default()).await.unwrap();
    lane.channel.queue_declare(lane.queue(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let error = lane.publisher.publish(ORG, &actual(0..1)).await.unwrap_err();
    assert!(matches!(&error, LaneError::Unavailable(why) if why.contains("inequivalent arg")), "{error}");
    assert_eq!(lane.waiting().await, 0);
    lane.close().await;
}

/// The exchange confirms a message that no queue takes; only `mandatory` reports it.
#[tokio::test]
async fn an_unroutable_message_is_refused() {
    let lane = TestLane::new().await;
    let EventLane::Broker(publisher) = &lane.publisher else { unreachable!() };
    let live = publisher.link.live().await.map_err(LaneError::from).unwrap();
    lane.channel.queue_delete(lane.queue(), QueueDeleteOptions::default()).await.unwrap();
    let refused = publisher.publish_all(&live, &messages(ORG, &actual(0..1)).unwrap()).await;
    assert!(matches!(refused, Err(Refusal::Unroutable)));
    lane.close().await;
}

#[tokio::test]
async fn a_broker_that_is_down_is_an_error_not_a_hang() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let lane = EventLane::Broker(BrokerLane::new(format!("amqp://guest:secret@{nobody}/%2f").into(), "down"));
    let error = lane.publish(ORG, &actual(0..1)).await.unwrap_err();
    assert!(matches!(error, LaneError::Unavailable(_)));
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test]
async fn without_a_broker_events_go_straight_into_the_log() {
    let db = TestDb::new().await;
    let lane = EventLane::Store(StoreLane { events: db.app.clone(), ledger: None });
    lane.publish(ORG, &actual(0..1500)).await.unwrap();
    lane.publish(ORG, &actual(1400..1600)).await.unwrap();
    lane.ping().await.unwrap();
    assert_eq!(count(&mut db.pool.acquire().await.unwrap()).await.unwrap(), 1600);
    db.close().await;
}

proptest! {
    #[test]
    fn every_event_is_in_one_message_and_no_message_is_too_large(
        parts in prop::collection::vec((prop::sample::select(EventType::ALL.to_vec()), 0..4000_usize), 0..300),
    ) {
        let events: Vec<CargoEvent> = parts.iter().enumerate().map(|(id, &(kind, size))| {
            let payload = RawValue::from_string(format!(r#"{{"a":"{}"}}"#, "x".repeat(size))).unwrap();
            CargoEvent { payload: Some(payload), source: format!("s.{}", id % 3), ..event(id, kind) }
        }).collect();
        let mut ids = Vec::new();
        for Message { key, body } in messages(ORG, &events).unwrap() {
            prop_assert!(body.len() <= MAX_MESSAGE_BYTES);
            let message = serde_json::from_slice::<EventMessage<CargoEvent>>(&body).unwrap().events;
            prop_assert!((1..=MAX_MESSAGE_EVENTS).contains(&message.len()));
            prop_assert!(message.iter().all(|event| topology::routing_key(&event.source, event.kind) == key.as_str()));
            ids.extend(message.into_iter().map(|event| event.source_event_id.parse::<usize>().unwrap()));
        }
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..events.len()).collect::<Vec<_>>());
    }
}
