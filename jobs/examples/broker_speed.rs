//! Prints what each broker carries by itself, without the ledger:
//! `cargo run --release -p jobs --example broker_speed -- [redis] [rabbit] [local] [--messages 100000]`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use jobs::broker::testing::server;
use jobs::broker::{Broker, Consumer, Deliver, Local, Message, Rabbit, Redis};
use jobs::kit::ledger::Ticket;
use shared::ids::JobId;
use tokio_util::sync::CancellationToken;
use tower::util::BoxCloneSyncService;

const QUEUE: &str = "speed";
const PREFETCH: usize = 1000;
/// Messages that one call publishes, as many as a dispatcher's turn brings.
const SLICE: usize = 1000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut messages = 100_000;
    if let Some(place) = wanted.iter().position(|word| word == "--messages") {
        messages = wanted.get(place + 1).context("--messages needs a number")?.parse()?;
        wanted.drain(place..=place + 1);
    }
    let all = wanted.is_empty();
    for name in ["redis", "rabbit", "local"] {
        if all || wanted.iter().any(|word| word == name) {
            measure(broker(name)?, messages).await?;
        }
    }
    Ok(())
}

fn broker(name: &str) -> anyhow::Result<Arc<dyn Broker>> {
    Ok(match name {
        "redis" => Arc::new(Redis::new(server("REDIS_URL").into(), "speed")),
        "rabbit" => Arc::new(Rabbit::new(server("AMQP_URL").into(), "speed")),
        _ => Arc::new(Local::new(shared::db::pool(&server("DATABASE_URL").into(), 5, "speed")?)),
    })
}

async fn measure(broker: Arc<dyn Broker>, messages: usize) -> anyhow::Result<()> {
    let name = broker.carrier();
    broker.purge(QUEUE).await?;
    for tickets in [1, 50] {
        let bodies: Vec<Message> = (0..SLICE).map(|first| message(first, tickets)).collect();
        let (began, cpu) = (Instant::now(), cpu_seconds());
        for _ in 0..messages / SLICE {
            broker.publish(QUEUE, &bodies).await?;
        }
        row(name, &format!("publish, {tickets} tickets"), messages, began.elapsed(), cpu_seconds() - cpu);

        let counter = Arc::new(AtomicU64::new(0));
        let (began, cpu) = (Instant::now(), cpu_seconds());
        let running = start(&broker, deliver(&counter));
        wait(&counter, messages as u64).await;
        let (took, cpu) = (began.elapsed(), cpu_seconds() - cpu);
        row(name, &format!("drain, {tickets} tickets"), messages, took, cpu);
        running.end().await?;

        let counter = Arc::new(AtomicU64::new(0));
        let running = start(&broker, deliver(&counter));
        let (began, cpu) = (Instant::now(), cpu_seconds());
        for _ in 0..messages / SLICE {
            broker.publish(QUEUE, &bodies).await?;
        }
        wait(&counter, messages as u64).await;
        row(name, &format!("both at once, {tickets} tickets"), messages, began.elapsed(), cpu_seconds() - cpu);
        running.end().await?;
    }

    let counter = Arc::new(AtomicU64::new(0));
    let running = start(&broker, deliver(&counter));
    let mut micros = Vec::new();
    for round in 1..=500 {
        tokio::time::sleep(Duration::from_millis(4)).await;
        let began = Instant::now();
        broker.publish(QUEUE, &[message(0, 1)]).await?;
        wait(&counter, round).await;
        micros.push(began.elapsed().as_micros());
    }
    micros.sort_unstable();
    print(format_args!(
        "{name:<7} idle publish to delivery: p50 {} µs, p90 {} µs, p99 {} µs",
        micros[250], micros[450], micros[495]
    ));
    let cpu = cpu_seconds();
    tokio::time::sleep(Duration::from_secs(3)).await;
    print(format_args!(
        "{name:<7} idle consumer: {:.2} % of a core; process {:.1} MB",
        (cpu_seconds() - cpu) / 3.0 * 100.0,
        resident_megabytes()
    ));
    running.end().await
}

fn message(first: usize, tickets: usize) -> Message {
    let id = |n: usize| JobId(i64::try_from(1_000_000 + n).unwrap_or_default());
    Message((0..tickets).map(|n| Ticket { job: id(first * tickets + n), epoch: 1 }).collect())
}

fn deliver(counter: &Arc<AtomicU64>) -> Deliver {
    let counter = Arc::clone(counter);
    BoxCloneSyncService::new(tower::service_fn(move |_: Message| {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(()))
    }))
}

struct Running {
    task: tokio::task::JoinHandle<Result<(), jobs::broker::BrokerError>>,
    stop: CancellationToken,
}

impl Running {
    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

fn start(broker: &Arc<dyn Broker>, deliver: Deliver) -> Running {
    let stop = CancellationToken::new();
    let name = format!("speed-{:x}", rand::random::<u64>());
    let consumer = Consumer { queue: QUEUE.to_owned(), name, prefetch: PREFETCH };
    Running { task: tokio::spawn(Arc::clone(broker).consume(consumer, deliver, stop.clone())), stop }
}

async fn wait(counter: &AtomicU64, count: u64) {
    while counter.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

fn row(broker: impl std::fmt::Display, what: &str, messages: usize, took: Duration, cpu: f64) {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let count = messages as f64;
    print(format_args!(
        "{broker:<7} {what:<26} {:>9.0} messages/s, {:>5.1} µs of our CPU each",
        count / took.as_secs_f64(),
        cpu / count * 1e6
    ));
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn print(line: std::fmt::Arguments<'_>) {
    println!("{line}");
}

/// User and system time of this process so far; 0 where there is no procfs.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0
}
