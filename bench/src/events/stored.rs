//! Whether the lane is as fast with millions of events in the log as with a hundred thousand.
//!
//! A new event is looked for among the keys of all that came before, and nothing else that it touches grows with the log: its month, the
//! shipments on their way, the corrections. So keys are written in no order, here and in the log, as the worst that sources do.

use std::time::{Duration, Instant};

use anyhow::Context;
use jobs::cargo::{BrokerLane, EventLane, topology};
use lapin::Channel;
use market::cargo::CargoEvent;
use queue::transport::rabbit::connection::connect;
use secrecy::SecretString;
use shared::clock::Clock;
use shared::config::Config;
use shared::db::Limits;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{DUPLICATE_EVERY, ORG, REQUEST, event, publish, settings, until_taken};
use crate::report::{Report, per_second};
use crate::run::note;

/// How many events the log has before some are drained, and how figures call that.
const SIZES: [(u32, &str); 3] = [(100_000, "1e5"), (1_000_000, "1e6"), (10_000_000, "1e7")];
/// How many events are drained each time.
const DRAINED: u64 = 50_000;
/// Sources of all events in the log; each request has one.
const SOURCES: u64 = 50;
/// Events of one shipment, and how many shipments are on their way at a time.
const PER_SHIPMENT: u64 = 100;
const ON_THEIR_WAY: u64 = 1_000;
/// Later than any that the log is filled with.
const SEQUENCE: u64 = 1_000_000_000_000;
/// How long filling the log may take, and how large it may become, in bytes.
const LONGEST_FILL: Duration = Duration::from_secs(150);
const LARGEST: f64 = 12e9;

/// What the log takes up, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    rows: f64,
    indexes: f64,
    keys: f64,
}

impl Size {
    fn total(self) -> f64 {
        self.rows + self.indexes + self.keys
    }
}

struct Lane {
    url: SecretString,
    namespace: String,
    channel: Channel,
    events: EventLane,
    log: PgPool,
}

pub(crate) async fn measure(config: &Config, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let url = config.amqp_url.clone().context("the events lane needs AMQP_URL")?;
    let namespace = format!("bench-events-{}", Uuid::now_v7().simple());
    let connection = connect(&url, "bench").await?;
    let lane = Lane {
        channel: connection.create_channel().await?,
        events: EventLane::Broker(BrokerLane::new(url.clone(), &namespace)),
        log: shared::db::pool(&config.events_database_url, 6, "bench-events")?,
        url,
        namespace,
    };
    let owner = shared::db::pool_within(&config.migrate_events_url, Limits::WORKING, 1, "bench-events-stored")?;
    let mut owner = owner.acquire().await?.detach();
    let mut medians = Vec::new();
    let (mut last, mut each) = ((0, Duration::ZERO), 0.0);
    for (place, (rows, name)) in (0..).zip(SIZES) {
        if let Some(why) = too_much(last, each, rows) {
            note(&format!("{name} events in the log are left out: {why}"));
            break;
        }
        note(&format!("{name} events in the log"));
        let began = Instant::now();
        fill(&mut owner, rows).await?;
        last = (rows, began.elapsed());
        let size = size(&mut owner).await?;
        each = size.total() / f64::from(rows);
        let mut rates = Vec::new();
        for run in 0..runs.min(5) {
            rates.push(lane.drain(SEQUENCE + (place * 10 + u64::try_from(run)?) * DRAINED, rows).await?);
        }
        let beside = "RabbitMQ to the log, full requests, ids in no order, 1 in 100 twice";
        medians.push(report.put(&format!("events_at_{name}_per_s"), &rates, beside));
        let beside = format!(
            "rows {:.0}, their indexes {:.0}, keys {:.0}",
            size.rows / f64::from(rows),
            size.indexes / f64::from(rows),
            size.keys / f64::from(rows)
        );
        report.put(&format!("events_at_{name}_bytes_per_row"), &[each], &beside);
    }
    if let [_, before, after] = medians[..] {
        let beside = format!(
            "EXTRAPOLATED, not measured: the step from 1e6 to 1e7 once more, {:.0} GB, if the keys' index stays in memory",
            each * 1e8 / 1e9
        );
        report.put("events_at_1e8_per_s_extrapolated", &[after * after / before], &beside);
    }
    topology::delete(&lane.channel, &lane.namespace).await?;
    fill(&mut owner, 0).await
}

/// Why the log is not filled with so many events, judged by how long it took with those before and what each of them takes up.
fn too_much(last: (u32, Duration), each: f64, rows: u32) -> Option<String> {
    let (before, took) = last;
    let seconds = took.as_secs_f64() / f64::from(before.max(1)) * f64::from(rows);
    let bytes = each * f64::from(rows);
    if seconds > LONGEST_FILL.as_secs_f64() {
        return Some(format!("this machine would take {seconds:.0} s to write them"));
    }
    (bytes > LARGEST).then(|| format!("they would take up {:.0} GB", bytes / 1e9))
}

/// Fills the log with so many events and nothing else. The database is the benchmark's own.
async fn fill(owner: &mut PgConnection, rows: u32) -> anyhow::Result<()> {
    let script = include_str!("stored.sql").replace("$1", &rows.to_string()).replace("$2", &ORG.to_string());
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *owner).await.context("filling the log")?;
    // Now, and not while events are drained.
    for statement in
        ["VACUUM (ANALYZE) cargo_event_keys", "VACUUM (ANALYZE) cargo_standings", "ANALYZE cargo_events", "CHECKPOINT"]
    {
        sqlx::query(statement).execute(&mut *owner).await?;
    }
    Ok(())
}

async fn size(owner: &mut PgConnection) -> anyhow::Result<Size> {
    let (rows, indexes, keys) = sqlx::query_as::<_, (f64, f64, f64)>(
        "SELECT
             (SELECT sum(pg_table_size(relid))::float8 FROM pg_partition_tree('cargo_events') WHERE isleaf),
             (SELECT sum(pg_indexes_size(relid))::float8 FROM pg_partition_tree('cargo_events') WHERE isleaf),
             (SELECT sum(pg_total_relation_size(relid))::float8 FROM pg_partition_tree('cargo_event_keys') WHERE isleaf)",
    )
    .fetch_one(owner)
    .await?;
    Ok(Size { rows, indexes, keys })
}

impl Lane {
    /// Publishes events whose sequences begin with `first` to a log of `rows` events, and has a consumer take them. Returns how many it
    /// took in a second, until it had stopped in order, and so had written all of them.
    async fn drain(&self, first: u64, rows: u32) -> anyhow::Result<f64> {
        let mut events = Vec::new();
        for n in first..first + DRAINED {
            let event = scattered(n, u64::from(rows) / PER_SHIPMENT)?;
            if n.is_multiple_of(u64::try_from(DUPLICATE_EVERY)?) {
                events.push(event.clone());
            }
            events.push(event);
        }
        publish(&self.events, &events).await?;
        let stop = CancellationToken::new();
        let began = Instant::now();
        let settings = settings(&self.url, &self.namespace);
        let consumer = tokio::spawn(workers::cargo::run(settings, self.log.clone(), stop.clone()));
        until_taken(&self.channel, &self.namespace, 1, began).await?;
        stop.cancel();
        consumer.await??;
        let took = began.elapsed();
        // They are in this month.
        let stored: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM cargo_events WHERE recorded_at > now() - interval '1 hour' AND sequence >= $1 AND sequence < $2",
        )
        .bind(i64::try_from(first)?)
        .bind(i64::try_from(first + DRAINED)?)
        .fetch_one(&self.log)
        .await?;
        let count = i64::try_from(DRAINED)?;
        anyhow::ensure!(stored == count, "{stored} of {count} events are stored");
        Ok(per_second(count, took))
    }
}

/// The event number `n`, of one of the last shipments, under an id that may be anywhere among those of its source.
fn scattered(n: u64, shipments: u64) -> anyhow::Result<CargoEvent> {
    let source = format!("tracker-{:04}", n / u64::try_from(REQUEST)? % SOURCES);
    let shipment = shipments - 1 - mixed(n) % shipments.min(ON_THEIR_WAY);
    Ok(CargoEvent {
        source_event_id: format!("{:016x}{:016x}", mixed(n), mixed(!n)),
        shipment: format!("SHP-{shipment:08}"),
        ..event(&source, usize::try_from(n)?, Clock::SYSTEM.now())
    })
}

/// A number of the same that is like one drawn by lot (`SplitMix64`).
const fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests;
