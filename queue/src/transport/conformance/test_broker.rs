//! A broker behind a proxy, and a worker that records what it is given.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ConnectionProperties};
use shared::ids::JobId;
use shared::testing::TestDb;
use shared::testing::{Proxy, server};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::util::BoxCloneSyncService;

use crate::ticket::Ticket;
use crate::transport::Transport;
use crate::transport::{Broker, BrokerError, Consumer, Deliver, Local, Message, PATIENCE, Rabbit, Redis};

pub(super) const QUEUE: &str = "test";
/// How long a dead Redis consumer counts as alive in these tests.
pub(super) const LIFE: Duration = Duration::from_secs(3);

/// How long the broker is waited for, except where a test is about that: the machine may be busy.
const LONG: Duration = Duration::from_secs(30);

pub(super) struct TestBroker {
    pub(super) client: Arc<dyn Broker>,
    pub(super) proxy: Proxy,
    pub(super) namespace: String,
    transport: Transport,
    url: String,
    db: Option<TestDb>,
}

impl TestBroker {
    pub(super) async fn redis() -> Self {
        Self::new(Transport::Redis, &server("REDIS_URL"), &namespace(), None).await
    }

    pub(super) async fn rabbit() -> Self {
        Self::new(Transport::Rabbit, &server("AMQP_URL"), &namespace(), None).await
    }

    pub(super) async fn local() -> Self {
        let db = TestDb::new().await;
        Self::new(Transport::Local, &db.url(), &namespace(), Some(db)).await
    }

    /// The same queue from another process with connections of its own.
    pub(super) async fn another(&self) -> Self {
        Self::new(self.transport, &server("AMQP_URL"), &self.namespace, None).await
    }

    async fn new(transport: Transport, server: &str, namespace: &str, db: Option<TestDb>) -> Self {
        let (proxy, url) = Proxy::before(server).await.unwrap();
        let client = client(transport, &url, namespace, LONG);
        Self { client, proxy, namespace: namespace.to_owned(), transport, url, db }
    }

    /// With the patience that everybody else has.
    pub(super) fn impatient(self) -> Self {
        Self { client: client(self.transport, &self.url, &self.namespace, PATIENCE), ..self }
    }

    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    pub(super) async fn publish(&self, jobs: impl IntoIterator<Item = i64>) {
        self.client.publish(QUEUE, &singles(jobs)).await.unwrap();
    }

    pub(super) async fn depth(&self) -> u64 {
        self.client.depth(QUEUE).await.unwrap()
    }

    pub(super) async fn wait_for_depth(&self, depth: u64) {
        let mut seen = 0;
        for _ in 0..6000 {
            seen = self.depth().await;
            if seen == depth {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the depth is {seen}, not {depth}");
    }

    /// Starts a consumer under a name of its own.
    pub(super) fn consume(&self, prefetch: usize, deliver: Deliver) -> Running {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", self.namespace, COUNT.fetch_add(1, Ordering::Relaxed));
        let stop = CancellationToken::new();
        let consumer = Consumer { queue: QUEUE.to_owned(), name, prefetch };
        let running = Arc::clone(&self.client).consume(consumer, deliver, stop.clone());
        let task =
            tokio::spawn(async move { running.await.inspect_err(|error| println!("a consumer ended: {error}")) });
        Running { task, stop }
    }

    /// Puts bytes on the queue that are not a message of ours, the way another program would.
    pub(super) async fn inject(&self, body: &[u8]) {
        match self.transport() {
            Transport::Redis => {
                let mut connection = self.redis_connection().await;
                let key = |part: &str| format!("{}:jobs:{QUEUE}:{part}", self.namespace);
                let id = rand::random::<u64>();
                redis::pipe()
                    .hset(key("data"), id, body)
                    .hset_multiple(
                        format!("{}:{id}", key("meta")),
                        &[("attempts", "0"), ("max_attempts", "1"), ("status", "Pending")],
                    )
                    .rpush(key("active"), id)
                    .exec_async(&mut connection)
                    .await
                    .unwrap();
            }
            Transport::Rabbit => {
                let (_connection, channel) = rabbit_channel().await;
                let queue = format!("{}.jobs.{QUEUE}", self.namespace);
                let confirm = channel
                    .basic_publish(
                        "".into(),
                        queue.into(),
                        BasicPublishOptions::default(),
                        body,
                        BasicProperties::default(),
                    )
                    .await
                    .unwrap();
                confirm.await.unwrap();
            }
            Transport::Local => {
                let pool = &self.db.as_ref().unwrap().pool;
                sqlx::query("INSERT INTO local_messages (queue, body) VALUES ($1, $2)")
                    .bind(QUEUE)
                    .bind(body)
                    .execute(pool)
                    .await
                    .unwrap();
            }
        }
    }

    pub(super) async fn redis_connection(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(server("REDIS_URL")).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Names of this broker's keys in Redis.
    pub(super) async fn redis_keys(&self) -> Vec<String> {
        let mut connection = self.redis_connection().await;
        let options = redis::ScanOptions::default().with_pattern(format!("{}:*", self.namespace)).with_count(10_000);
        let keys = redis::AsyncCommands::scan_options::<String>(&mut connection, options).await.unwrap();
        keys.map(Result::unwrap).collect().await
    }

    pub(super) async fn has_rabbit_queue(&self) -> bool {
        let (_connection, channel) = rabbit_channel().await;
        let queue = format!("{}.jobs.{QUEUE}", self.namespace);
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(queue.into(), passive, FieldTable::default()).await.is_ok()
    }

    pub(super) async fn delete_rabbit_queue(&self) {
        let (_connection, channel) = rabbit_channel().await;
        let queue = format!("{}.jobs.{QUEUE}", self.namespace);
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }

    /// Removes what the test left on the servers.
    pub(super) async fn close(self) {
        match self.transport() {
            Transport::Redis => {
                let mut connection = self.redis_connection().await;
                for key in self.redis_keys().await {
                    redis::cmd("DEL").arg(key).exec_async(&mut connection).await.unwrap();
                }
            }
            Transport::Rabbit => self.delete_rabbit_queue().await,
            Transport::Local => {}
        }
        if let Some(db) = self.db {
            db.close().await;
        }
    }
}

fn client(transport: Transport, url: &str, namespace: &str, patience: Duration) -> Arc<dyn Broker> {
    match transport {
        Transport::Redis => Arc::new(Redis::new(url.into(), namespace).with_life(LIFE).with_patience(patience)),
        Transport::Rabbit => Arc::new(Rabbit::new(url.into(), namespace).with_patience(patience)),
        Transport::Local => {
            let pool = shared::db::pool(&url.into(), 5, "test").unwrap();
            Arc::new(Local::new(pool).with_patience(patience))
        }
    }
}

async fn rabbit_channel() -> (lapin::Connection, lapin::Channel) {
    let connection = lapin::Connection::connect(&server("AMQP_URL"), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (connection, channel)
}

fn namespace() -> String {
    format!("test-{:x}", rand::random::<u64>())
}

pub(super) fn singles(jobs: impl IntoIterator<Item = i64>) -> Vec<Message> {
    jobs.into_iter().map(|job| Message(vec![Ticket { job: JobId(job), epoch: 1 }])).collect()
}

/// A consumer that runs.
pub(super) struct Running {
    pub(super) task: JoinHandle<Result<(), BrokerError>>,
    stop: CancellationToken,
}

impl Running {
    pub(super) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Dies without a word, as a killed process does.
    pub(super) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Records the jobs it is given, how often, and how many messages at once; holds them until its gate opens.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Records>);

struct Records {
    seen: Mutex<BTreeMap<i64, u32>>,
    now: AtomicUsize,
    peak: AtomicUsize,
    gate: Semaphore,
}

impl Recorder {
    pub(super) fn open() -> Self {
        let recorder = Self::shut();
        recorder.open_gate();
        recorder
    }

    pub(super) fn shut() -> Self {
        let (now, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Records { seen: Mutex::default(), now, peak, gate: Semaphore::new(0) }))
    }

    pub(super) fn open_gate(&self) {
        self.0.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(super) fn deliver(&self) -> Deliver {
        let records = Arc::clone(&self.0);
        BoxCloneSyncService::new(tower::service_fn(move |message: Message| {
            let records = Arc::clone(&records);
            async move {
                let now = records.now.fetch_add(1, Ordering::SeqCst) + 1;
                records.peak.fetch_max(now, Ordering::SeqCst);
                let passed = records.gate.acquire().await.unwrap();
                drop(passed);
                for ticket in message.0 {
                    *records.seen.lock().unwrap().entry(ticket.job.0).or_default() += 1;
                }
                records.now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        }))
    }

    /// The jobs seen, in order of their ids.
    pub(super) fn jobs(&self) -> Vec<i64> {
        self.0.seen.lock().unwrap().keys().copied().collect()
    }

    pub(super) fn times(&self, job: i64) -> u32 {
        self.0.seen.lock().unwrap().get(&job).copied().unwrap_or_default()
    }

    pub(super) fn in_hand(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    pub(super) fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }

    pub(super) async fn wait_for(&self, jobs: impl IntoIterator<Item = i64>) {
        let jobs: Vec<i64> = jobs.into_iter().collect();
        let what = format!("of {} jobs", jobs.len());
        let missing = || jobs.iter().filter(|job| self.times(**job) == 0).take(5).collect::<Vec<_>>();
        for _ in 0..12_000 {
            if self.jobs() == jobs {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("60 s have passed: {what} {} are delivered, missing {:?}", self.jobs().len(), missing());
    }
}

pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("60 s have passed, and not yet: {what}");
}
