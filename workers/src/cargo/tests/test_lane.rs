use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::cargo::{BrokerLane, EventLane, topology};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use market::cargo::store::count;
use market::cargo::{CargoEvent, EventType, Position, ShipmentStatus};
use queue::transport::rabbit::connection::connect;
use shared::clock::Clock;
use shared::ids::OrgId;
use shared::testing::TestDb;
use shared::testing::{Proxy, server};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cargo::{Settings, run};

/// Longer than any reconnect; a condition that holds ends the wait at once.
const PATIENCE: Duration = Duration::from_mins(1);

/// The organisation that reports.
pub(super) const ORG: OrgId = OrgId(uuid::Uuid::from_u128(7));

/// Event number `id`: later numbers occurred later.
pub(super) fn event(id: usize) -> CargoEvent {
    let start: DateTime<Utc> = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    CargoEvent {
        source: "lane-test".to_owned(),
        source_event_id: id.to_string(),
        sequence: 0,
        shipment: format!("S-{}", id % 10),
        kind: EventType::Actual,
        status: Some(ShipmentStatus::InTransit),
        occurred_at: start + TimeDelta::seconds(i64::try_from(id).unwrap()),
        position: Some(Position { latitude: 50.0, longitude: 8.0 }),
        corrects: None,
        payload: None,
    }
}

/// Waits until a condition holds.
pub(super) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) fn events(ids: Range<usize>) -> Vec<CargoEvent> {
    ids.map(event).collect()
}

/// A database and a lane of the test's own. The publisher reaches RabbitMQ directly, the consumer through proxies.
pub(super) struct TestLane {
    pub(super) db: TestDb,
    pub(super) publisher: EventLane,
    pub(super) namespace: String,
    pub(super) rabbit: Proxy,
    pub(super) postgres: Proxy,
    through_rabbit: String,
}

/// A running consumer.
pub(super) struct Running {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Asks it to stop and waits until it has.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it stops").unwrap().unwrap();
    }

    /// What `kill -9` does, as far as one process can do it to a part of itself.
    pub(super) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

impl TestLane {
    pub(super) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("cargo-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let db = TestDb::new().await;
        let url = server("AMQP_URL");
        let (rabbit, through_rabbit) = Proxy::before(&url).await.unwrap();
        let options = db.options();
        let postgres = Proxy::to(&format!("{}:{}", options.get_host(), options.get_port())).await.unwrap();
        let publisher = EventLane::Broker(BrokerLane::new(url.into(), &namespace));
        // So that the queue exists before the first message, whichever side is first.
        publisher.ping().await.unwrap();
        Self { db, publisher, namespace, rabbit, postgres, through_rabbit }
    }

    /// Has a silent connection noticed after twice this many seconds.
    pub(super) fn with_heartbeat(mut self, seconds: u32) -> Self {
        self.through_rabbit = format!("{}?heartbeat={seconds}", self.through_rabbit);
        self
    }

    /// Starts a consumer, as another process would.
    pub(super) fn consume(&self) -> Running {
        let address = self.postgres.address();
        let options = self.db.app_options().clone().host(&address.ip().to_string()).port(address.port());
        self.consume_into(shared::db::pool_with(options, 4, "cargo-test"))
    }

    fn consume_into(&self, pool: PgPool) -> Running {
        let settings = Settings {
            amqp_url: self.through_rabbit.clone().into(),
            namespace: self.namespace.clone(),
            clock: Clock::SYSTEM,
            ledger: None,
        };
        let stop = CancellationToken::new();
        Running { stop: stop.clone(), task: tokio::spawn(run(settings, pool, stop)) }
    }

    pub(super) async fn stored(&self) -> u64 {
        count(&mut self.db.pool.acquire().await.unwrap()).await.unwrap()
    }

    /// Waits until the log holds this many events.
    pub(super) async fn until_stored(&self, wanted: u64) {
        let began = Instant::now();
        loop {
            let stored = self.stored().await;
            if stored >= wanted {
                assert_eq!(stored, wanted, "more than was published");
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{stored} of {wanted} events are stored");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The numbers of the events in the log, sorted.
    pub(super) async fn stored_ids(&self) -> Vec<usize> {
        let mut ids: Vec<usize> = sqlx::query_scalar::<_, String>("SELECT source_event_id FROM cargo_events")
            .fetch_all(&self.db.pool)
            .await
            .unwrap()
            .into_iter()
            .map(|id| id.parse().unwrap())
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(super) async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.db.pool).await.unwrap();
    }

    pub(super) async fn side(&self) -> (Connection, Channel) {
        let connection = connect(&server("AMQP_URL").into(), "cargo test").await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// How many messages wait in the queue, and how many consumers it has.
    pub(super) async fn queue(&self) -> (u32, u32) {
        let (_connection, channel) = self.side().await;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = topology::queue(&self.namespace).into();
        let queue = channel.queue_declare(name, passive, FieldTable::default()).await.unwrap();
        (queue.message_count(), queue.consumer_count())
    }

    /// Waits until the queue reports these numbers of waiting messages and consumers.
    pub(super) async fn until_queue(&self, wanted: (u32, u32)) {
        let began = Instant::now();
        while self.queue().await != wanted {
            assert!(began.elapsed() < PATIENCE, "the queue never got to {wanted:?}, it is at {:?}", self.queue().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until RabbitMQ has noticed that every consumer is gone; by then, what they had in hand
    /// is waiting again. Returns how many messages wait.
    pub(super) async fn until_left(&self) -> u32 {
        let began = Instant::now();
        loop {
            let (waiting, consumers) = self.queue().await;
            if consumers == 0 {
                return waiting;
            }
            assert!(began.elapsed() < PATIENCE, "{consumers} consumers are still there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until RabbitMQ has noticed that the consumers are gone, and asserts that they left nothing unacknowledged.
    pub(super) async fn assert_acknowledged(&self) {
        assert_eq!(self.until_left().await, 0, "messages came back from a consumer that was told to stop");
    }

    pub(super) async fn publish_raw(&self, routing_key: &str, body: &[u8]) {
        let (_connection, channel) = self.side().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let exchange = topology::exchange(&self.namespace).into();
        let sent = channel.basic_publish(exchange, routing_key.into(), options, body, BasicProperties::default());
        assert_eq!(sent.await.unwrap().await.unwrap(), Confirmation::Ack(None));
    }

    /// Deletes exchange and queue. A busy RabbitMQ takes its time over a quorum queue, and answers
    /// with an internal error in the meantime.
    pub(super) async fn delete_lane(&self) {
        for _ in 0..5 {
            let (_connection, channel) = self.side().await;
            if topology::delete(&channel, &self.namespace).await.is_ok() {
                return;
            }
        }
        panic!("the lane cannot be deleted");
    }

    pub(super) async fn close(self) {
        self.delete_lane().await;
        self.db.close().await;
    }
}
