//! The events lane: how fast RabbitMQ is emptied into the log, each event once, beside what COPY alone would take and beside a
//! consumer that takes one event after the other.

mod api;
mod copy;
mod one_by_one;
pub(crate) mod stored;

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::cargo::{BrokerLane, EventLane, topology};
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use market::cargo::{CargoEvent, EventType, Position, ShipmentStatus};
use queue::transport::rabbit::connection::connect;
use secrecy::SecretString;
use serde_json::value::RawValue;
use shared::clock::Clock;
use shared::config::Config;
use shared::ids::OrgId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::cargo::Settings;

use crate::report::{Report, per_second};
use crate::run::{Extent, note};

/// How many events each rate is of.
const EVENTS: usize = 200_000;
/// The organisation that reports.
const ORG: OrgId = OrgId(Uuid::from_u128(7));
/// How many events one request to the API may bring.
const REQUEST: usize = 1000;
/// One in this many events comes a second time.
const DUPLICATE_EVERY: usize = 100;
/// How many events are enough for a consumer that takes one after the other.
const ONE_BY_ONE: usize = 5_000;
const LONGEST: Duration = Duration::from_mins(5);

/// Events per second, on a machine that the broker, the database and the consumer share.
#[derive(Clone, Copy, Debug)]
struct EventRates {
    /// Published as the API does for full requests, and confirmed.
    published: f64,
    /// From RabbitMQ to the log, deduplicated; messages as the API makes them from full requests.
    drained: f64,
    /// The same with one event per message, as from callers that send them one by one.
    drained_singly: f64,
    /// The same as plans, which change nothing of where shipments stand: the difference is what keeping that costs.
    drained_plans: f64,
    /// The first by two consumers at once.
    two_workers: f64,
    /// By a consumer that writes and acknowledges each event by itself.
    one_by_one: f64,
    /// The same rows by COPY into a table without keys: the machine's limit.
    copied: f64,
    /// By COPY into a table with the log's keys, each event once already: what is left of it with indexes.
    copied_with_keys: f64,
}

impl EventRates {
    /// The first as a share of COPY without keys.
    fn share_of_copy(&self) -> f64 {
        self.drained / self.copied
    }

    /// The same of COPY into a table with the log's key and indexes.
    fn share_of_copy_with_keys(&self) -> f64 {
        self.drained / self.copied_with_keys
    }
}

/// Measures the lane, from RabbitMQ and from the API.
pub(crate) async fn measure(
    config: &Config,
    pool: &PgPool,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut rates = Vec::new();
    for run in 0..extent.runs {
        note(&format!("cargo events, run {}", run + 1));
        rates.push(once(config, EVENTS).await?);
    }
    let each = |figure: fn(&EventRates) -> f64| rates.iter().map(figure).collect::<Vec<_>>();
    report.put("events_per_s", &each(|rates| rates.drained), "RabbitMQ to the log, deduplicated, full requests");
    report.put("events_single_per_s", &each(|rates| rates.drained_singly), "the same, one event a message");
    report.put(
        "events_plans_per_s",
        &each(|rates| rates.drained_plans),
        "the same as plans, which no shipment's standing follows",
    );
    report.put("events_two_workers_per_s", &each(|rates| rates.two_workers), "the first by two consumers");
    report.put(
        "events_row_at_a_time_per_s",
        &each(|rates| rates.one_by_one),
        "a message, its row, a commit, an acknowledgement",
    );
    report.put("events_publish_per_s", &each(|rates| rates.published), "confirmed by RabbitMQ");
    report.put("machine_events_copy_per_s", &each(|rates| rates.copied), "the same rows by COPY, without indexes");
    report.put(
        "machine_events_copy_keys_per_s",
        &each(|rates| rates.copied_with_keys),
        "into a table with the log's key and indexes, each event once already",
    );
    report.put("events_share_of_copy", &each(EventRates::share_of_copy), "events_per_s of COPY without indexes");
    report.put(
        "events_share_of_copy_with_keys",
        &each(EventRates::share_of_copy_with_keys),
        "events_per_s of COPY with the log's key and indexes",
    );
    api::measure(config, pool, extent, report).await
}

/// Measures all of them once, with `count` events each.
async fn once(config: &Config, count: usize) -> anyhow::Result<EventRates> {
    let url = config.amqp_url.clone().context("the events lane needs AMQP_URL")?;
    let pool = shared::db::pool(&config.events_database_url, 6, "bench-events")?;
    let namespace = format!("bench-events-{}", Uuid::now_v7().simple());
    let connection = connect(&url, "bench").await?;
    let channel = connection.create_channel().await?;
    let lane = EventLane::Broker(BrokerLane::new(url.clone(), &namespace));

    let events = make(&format!("packed-{}", Uuid::now_v7().simple()), count);
    let published = publish(&lane, &events).await?;
    let drained = drain(&url, &namespace, &channel, &pool, 1, &events[0].source, count).await?;

    let events = make(&format!("single-{}", Uuid::now_v7().simple()), count);
    publish_singly(&lane, &events).await?;
    let drained_singly = drain(&url, &namespace, &channel, &pool, 1, &events[0].source, count).await?;

    let mut plans = make(&format!("plans-{}", Uuid::now_v7().simple()), count);
    for event in &mut plans {
        event.kind = EventType::Planned;
    }
    publish(&lane, &plans).await?;
    let drained_plans = drain(&url, &namespace, &channel, &pool, 1, &plans[0].source, count).await?;

    let events = make(&format!("two-{}", Uuid::now_v7().simple()), count);
    publish(&lane, &events).await?;
    let two_workers = drain(&url, &namespace, &channel, &pool, 2, &events[0].source, count).await?;

    let some = make(&format!("alone-{}", Uuid::now_v7().simple()), count.min(ONE_BY_ONE));
    publish_singly(&lane, &some).await?;
    let one_by_one = one_by_one::drain(&connection, &namespace, &pool, some.len()).await?;

    let owner = shared::db::pool(&config.migrate_events_url, 1, "bench-copy")?;
    let (copied, copied_with_keys) = copy::measure(&owner, &events).await?;
    topology::delete(&channel, &namespace).await?;
    Ok(EventRates {
        published,
        drained,
        drained_singly,
        drained_plans,
        two_workers,
        one_by_one,
        copied,
        copied_with_keys,
    })
}

/// Events of which one in a hundred comes twice.
fn make(source: &str, count: usize) -> Vec<CargoEvent> {
    let now: DateTime<Utc> = Clock::SYSTEM.now();
    let mut events = Vec::with_capacity(count + count / DUPLICATE_EVERY);
    for n in 0..count {
        let event = event(source, n, now - TimeDelta::milliseconds(i64::try_from(count - n).unwrap_or(0)));
        if n % DUPLICATE_EVERY == 0 {
            events.push(event.clone());
        }
        events.push(event);
    }
    events
}

/// The event number `n` of a tracker, some 300 bytes.
pub(crate) fn event(source: &str, n: usize, occurred_at: DateTime<Utc>) -> CargoEvent {
    let payload = format!(
        r#"{{"speed_kmh":{},"heading":{},"temperature_c":4.5,"device":"tracker-{}"}}"#,
        n % 90,
        n % 360,
        n % 1000
    );
    CargoEvent {
        source: source.to_owned(),
        source_event_id: event_id(n),
        sequence: i64::try_from(n).unwrap_or(0),
        shipment: format!("SHP-{:08}", n % 5000),
        kind: EventType::Actual,
        status: Some(ShipmentStatus::InTransit),
        occurred_at,
        position: Some(Position { latitude: 52.123_45, longitude: 13.543_21 }),
        corrects: None,
        payload: RawValue::from_string(payload).ok(),
    }
}

fn event_id(n: usize) -> String {
    format!("e-{n:012}")
}

async fn publish(lane: &EventLane, events: &[CargoEvent]) -> anyhow::Result<f64> {
    let began = Instant::now();
    let requests: Vec<&[CargoEvent]> = events.chunks(REQUEST).collect();
    // Four callers at a time.
    for four in requests.chunks(4) {
        futures::future::try_join_all(four.iter().map(|request| lane.publish(ORG, request))).await?;
    }
    Ok(per_second(i64::try_from(events.len())?, began.elapsed()))
}

async fn publish_singly(lane: &EventLane, events: &[CargoEvent]) -> anyhow::Result<()> {
    for many in events.chunks(REQUEST) {
        futures::future::try_join_all(many.chunks(1).map(|one| lane.publish(ORG, one))).await?;
    }
    Ok(())
}

/// Starts consumers on the waiting messages and stops them when none are left; checks that every event is there once.
async fn drain(
    url: &SecretString,
    namespace: &str,
    channel: &Channel,
    pool: &PgPool,
    workers: u32,
    source: &str,
    count: usize,
) -> anyhow::Result<f64> {
    let stop = CancellationToken::new();
    let began = Instant::now();
    let consumers: Vec<_> = (0..workers)
        .map(|_| tokio::spawn(workers::cargo::run(settings(url, namespace), pool.clone(), stop.clone())))
        .collect();
    until_taken(channel, namespace, workers, began).await?;
    // The consumers have the last messages in hand; they have written them when the log holds all events. Counting takes the machine
    // from them, so the last event is looked for first.
    while !is_stored(pool, ORG, source, count - 1).await? || stored(pool, ORG, source).await? < count {
        anyhow::ensure!(began.elapsed() < LONGEST, "events are missing in the log");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    stop.cancel();
    for consumer in consumers {
        consumer.await??;
    }
    let stored = stored(pool, ORG, source).await?;
    anyhow::ensure!(stored == count, "{stored} of {count} events are stored");
    Ok(per_second(i64::try_from(count)?, took))
}

fn settings(url: &SecretString, namespace: &str) -> Settings {
    Settings { amqp_url: url.clone(), namespace: namespace.to_owned(), clock: Clock::SYSTEM, ledger: None }
}

/// Waits until so many consumers have come and taken everything that waited.
async fn until_taken(channel: &Channel, namespace: &str, workers: u32, began: Instant) -> anyhow::Result<()> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    loop {
        let name = topology::queue(namespace).into();
        let queue = channel.queue_declare(name, passive, FieldTable::default()).await?;
        if queue.message_count() == 0 && queue.consumer_count() == workers {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < LONGEST, "the events queue does not drain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether the log has the event number `n`.
async fn is_stored(pool: &PgPool, org: OrgId, source: &str, n: usize) -> anyhow::Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM cargo_event_keys WHERE org = $1 AND source = $2 AND source_event_id = $3)",
    )
    .bind(org.0)
    .bind(source)
    .bind(event_id(n))
    .fetch_one(pool)
    .await?)
}

async fn stored(pool: &PgPool, org: OrgId, source: &str) -> anyhow::Result<usize> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM cargo_event_keys WHERE org = $1 AND source = $2")
        .bind(org.0)
        .bind(source)
        .fetch_one(pool)
        .await?;
    Ok(usize::try_from(count)?)
}
