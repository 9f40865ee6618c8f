//! The events lane: how fast RabbitMQ is emptied into the log, each event once, beside what COPY alone would take.

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

use crate::report::per_second;

/// The organisation that reports.
const ORG: OrgId = OrgId(Uuid::from_u128(7));
/// How many events one request to the API may bring.
const REQUEST: usize = 1000;
/// One in this many events comes a second time.
const DUPLICATE_EVERY: usize = 100;
const LONGEST: Duration = Duration::from_mins(5);

/// Events per second, on a machine that the broker, the database and the consumer share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRates {
    /// Published as the API does for full requests, and confirmed.
    pub(crate) published: f64,
    /// From RabbitMQ to the log, deduplicated; messages as the API makes them from full requests.
    pub(crate) drained: f64,
    /// The same with one event per message, as from callers that send them one by one.
    pub(crate) drained_singly: f64,
    /// The same as plans, which change nothing of where shipments stand: the difference is what keeping that costs.
    pub(crate) drained_plans: f64,
    /// The same rows by COPY into a table without keys: the machine's limit.
    pub(crate) copied: f64,
}

/// Measures all of them once, with `count` events each.
pub(crate) async fn measure(config: &Config, count: usize) -> anyhow::Result<EventRates> {
    let url = config.amqp_url.clone().context("the events lane needs AMQP_URL")?;
    let pool = shared::db::pool(&config.events_database_url, 4, "bench-events")?;
    let namespace = format!("bench-events-{}", Uuid::now_v7().simple());
    let connection = connect(&url, "bench").await?;
    let channel = connection.create_channel().await?;
    let lane = EventLane::Broker(BrokerLane::new(url.clone(), &namespace));

    let events = make(&format!("packed-{}", Uuid::now_v7().simple()), count);
    let published = publish(&lane, &events).await?;
    let drained = drain(&url, &namespace, &channel, &pool, &events[0].source, count).await?;

    let events = make(&format!("single-{}", Uuid::now_v7().simple()), count);
    publish_singly(&lane, &events).await?;
    let drained_singly = drain(&url, &namespace, &channel, &pool, &events[0].source, count).await?;

    let mut plans = make(&format!("plans-{}", Uuid::now_v7().simple()), count);
    for event in &mut plans {
        event.kind = EventType::Planned;
    }
    publish(&lane, &plans).await?;
    let drained_plans = drain(&url, &namespace, &channel, &pool, &plans[0].source, count).await?;

    let owner = shared::db::pool(&config.migrate_events_url, 1, "bench-copy")?;
    let copied = copy(&owner, &events).await?;
    topology::delete(&channel, &namespace).await?;
    Ok(EventRates { published, drained, drained_singly, drained_plans, copied })
}

/// Events of some 300 bytes, one in a hundred twice.
fn make(source: &str, count: usize) -> Vec<CargoEvent> {
    let now: DateTime<Utc> = Clock::SYSTEM.now();
    let mut events = Vec::with_capacity(count + count / DUPLICATE_EVERY);
    for n in 0..count {
        let payload = format!(
            r#"{{"speed_kmh":{},"heading":{},"temperature_c":4.5,"device":"tracker-{}"}}"#,
            n % 90,
            n % 360,
            n % 1000
        );
        let event = CargoEvent {
            source: source.to_owned(),
            source_event_id: format!("e-{n:012}"),
            sequence: i64::try_from(n).unwrap_or(0),
            shipment: format!("SHP-{:08}", n % 5000),
            kind: EventType::Actual,
            status: Some(ShipmentStatus::InTransit),
            occurred_at: now - TimeDelta::milliseconds(i64::try_from(count - n).unwrap_or(0)),
            position: Some(Position { latitude: 52.123_45, longitude: 13.543_21 }),
            corrects: None,
            payload: RawValue::from_string(payload).ok(),
        };
        if n % DUPLICATE_EVERY == 0 {
            events.push(event.clone());
        }
        events.push(event);
    }
    events
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

/// Starts a consumer on the waiting messages and stops it when none are left; checks that every event is there once.
async fn drain(
    url: &SecretString,
    namespace: &str,
    channel: &Channel,
    pool: &PgPool,
    source: &str,
    count: usize,
) -> anyhow::Result<f64> {
    let settings =
        Settings { amqp_url: url.clone(), namespace: namespace.to_owned(), clock: Clock::SYSTEM, ledger: None };
    let stop = CancellationToken::new();
    let began = Instant::now();
    let consumer = tokio::spawn(workers::cargo::run(settings, pool.clone(), stop.clone()));
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    loop {
        let name = topology::queue(namespace).into();
        let queue = channel.queue_declare(name, passive, FieldTable::default()).await?;
        if queue.message_count() == 0 && queue.consumer_count() > 0 {
            break;
        }
        anyhow::ensure!(began.elapsed() < LONGEST, "the events queue does not drain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The consumer has the last messages in hand; it has written them when the log holds all
    // events.
    while stored(pool, source).await? < count {
        anyhow::ensure!(began.elapsed() < LONGEST, "events are missing in the log");
    }
    let took = began.elapsed();
    stop.cancel();
    consumer.await??;
    let stored = stored(pool, source).await?;
    anyhow::ensure!(stored == count, "{stored} of {count} events are stored");
    Ok(per_second(i64::try_from(count)?, took))
}

async fn stored(pool: &PgPool, source: &str) -> anyhow::Result<usize> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM cargo_event_keys WHERE org = $1 AND source = $2")
        .bind(ORG.0)
        .bind(source)
        .fetch_one(pool)
        .await?;
    Ok(usize::try_from(count)?)
}

/// The same columns by COPY, in batches of 10,000.
async fn copy(pool: &PgPool, events: &[CargoEvent]) -> anyhow::Result<f64> {
    let mut conn = pool.acquire().await?;
    sqlx::query("DROP TABLE IF EXISTS cargo_bench_copy").execute(&mut *conn).await?;
    sqlx::query("CREATE TABLE cargo_bench_copy (LIKE cargo_events)").execute(&mut *conn).await?;
    sqlx::query("ALTER TABLE cargo_bench_copy ALTER id DROP NOT NULL, ALTER org DROP NOT NULL, ALTER recorded_at SET DEFAULT now()")
        .execute(&mut *conn)
        .await?;
    let mut took = Duration::ZERO;
    for batch in events.chunks(10_000) {
        let rows: String = batch.iter().map(row).collect();
        let began = Instant::now();
        let mut copy = conn
            .copy_in_raw(
                "COPY cargo_bench_copy
                    (source, source_event_id, sequence, shipment, type, status, occurred_at, latitude, longitude, payload)
                FROM STDIN",
            )
            .await?;
        copy.send(rows.into_bytes()).await?;
        copy.finish().await?;
        took += began.elapsed();
    }
    sqlx::query("DROP TABLE cargo_bench_copy").execute(&mut *conn).await?;
    Ok(per_second(i64::try_from(events.len())?, took))
}

fn row(event: &CargoEvent) -> String {
    let position = event.position.unwrap_or(Position { latitude: 0.0, longitude: 0.0 });
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
        event.source,
        event.source_event_id,
        event.sequence,
        event.shipment,
        event.kind.name(),
        event.status.map_or("\\N", ShipmentStatus::name),
        event.occurred_at.to_rfc3339(),
        position.latitude,
        position.longitude,
        event.payload.as_ref().map_or("\\N", |payload| payload.get()),
    )
}
