//! Runs the whole benchmark, piece by piece.

use std::path::PathBuf;
use std::time::Duration;

use queue::transport::Brokers;
use queue::transport::Transport;
use shared::config::Config;
use shared::db::grants::{self, Login};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::cache::Looks;
use crate::drain::{Drain, drain, reset};
use crate::enqueue::{enqueue_bulk, enqueue_single};
use crate::processes::Part;
use crate::report::Report;
use crate::{Piece, cache, chat, closing, events, http, images, latency, limits, noop, reports, search, sockets};

pub(crate) const CALLERS: i64 = 16;
pub(crate) const CALLS: i64 = 2_500;
const AUCTIONS: i32 = 200;
const IDLE_SAMPLES: i64 = 500;
/// Backlogs over which the cost of a job should not change.
const BACKLOGS: [(i64, &str); 4] = [(1_000, "1e3"), (10_000, "1e4"), (100_000, "1e5"), (1_000_000, "1e6")];
/// The programs of an installation.
const PROGRAMS: [&str; 8] = [
    "api",
    "scheduler",
    "worker-auctions",
    "worker-emails",
    "worker-reports",
    "worker-images",
    "worker-cargo",
    "worker-chat",
];

/// How much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// Jobs drained in each run.
    pub(crate) jobs: i64,
    pub(crate) runs: usize,
    /// The largest backlog.
    pub(crate) backlog: i64,
    /// How many listings are searched.
    pub(crate) listings: i64,
    /// How long each kind of request is sent.
    pub(crate) measured: Duration,
    /// Photographs that are made into pictures.
    pub(crate) photos: PathBuf,
    /// Where the packages of the peers are.
    pub(crate) tools: Option<PathBuf>,
    /// The pieces to measure; all of them if empty.
    pub(crate) only: Vec<Piece>,
}

impl Extent {
    fn has(&self, piece: Piece) -> bool {
        self.only.is_empty() || self.only.contains(&piece)
    }
}

struct Benchmark<'a> {
    config: &'a Config,
    extent: Extent,
    pool: PgPool,
    report: Report,
    /// Whether there is something to search.
    is_filled: bool,
}

/// Runs everything against the configured servers. The ledger is emptied: use a database of its
/// own.
pub(crate) async fn run(config: &Config, extent: Extent, as_json: bool) -> anyhow::Result<()> {
    let (database, events) = (&config.database, &config.migrate_events_url);
    // As the owner, because tables are emptied between runs. What is measured connects as the
    // programs do.
    let pool = shared::db::pool_within(&database.migrate_url, shared::db::Limits::WORKING, 20, "bench")?;
    shared::db::migrate(&pool).await?;
    grants::give(&mut *pool.acquire().await?, &Login::of(&database.url)?).await?;
    let log = shared::db::pool(events, 1, "bench")?;
    market::cargo::migrate(&log).await?;
    grants::give(&mut *log.acquire().await?, &Login::of(&config.events_database_url)?).await?;
    let mut benchmark = Benchmark { config, extent: extent.clone(), pool, report: Report::new(), is_filled: false };
    let has = |piece| extent.has(piece);
    if has(Piece::Machine) {
        benchmark.machine().await?;
    }
    if has(Piece::Enqueue) {
        benchmark.enqueue().await?;
    }
    if has(Piece::Drain) {
        for transport in benchmark.transports() {
            benchmark.drains(transport).await?;
        }
    }
    if has(Piece::Backlog) {
        benchmark.backlogs().await?;
    }
    if has(Piece::Latency) {
        benchmark.latencies().await?;
    }
    if has(Piece::Events) && config.amqp_url.is_some() {
        events::measure(config, &benchmark.pool, &extent, &mut benchmark.report).await?;
    }
    // Not without being asked for: it fills gigabytes.
    if extent.only.contains(&Piece::EventsStored) {
        events::stored::measure(config, extent.runs, &mut benchmark.report).await?;
    }
    if has(Piece::Memory) {
        benchmark.memory().await?;
    }
    if has(Piece::Http) {
        http::measure(config, &benchmark.pool, &extent, &mut benchmark.report).await?;
    }
    if has(Piece::Closing) {
        closing::measure(config, &benchmark.pool, &mut benchmark.report).await?;
    }
    if has(Piece::Sockets) {
        sockets::measure(config, &benchmark.pool, &extent, &mut benchmark.report).await?;
    }
    if has(Piece::Tracking) && config.amqp_url.is_some() {
        sockets::tracking::measure(config, &benchmark.pool, &mut benchmark.report).await?;
    }
    if has(Piece::Chat) {
        chat::measure(config, &benchmark.pool, &extent, &mut benchmark.report).await?;
    }
    if has(Piece::Search) {
        benchmark.searches().await?;
    }
    if has(Piece::Cache) {
        benchmark.cache().await?;
    }
    if has(Piece::SearchHttp) {
        benchmark.fill().await?;
        http::searches::measure(config, &extent, &mut benchmark.report).await?;
    }
    if has(Piece::Images) {
        images::measure(&extent.photos, extent.runs, &mut benchmark.report).await?;
    }
    if has(Piece::Reports) {
        reports::measure(extent.tools.as_deref(), extent.runs, &mut benchmark.report).await?;
    }
    benchmark.report.print(as_json);
    Ok(())
}

impl Benchmark<'_> {
    fn transports(&self) -> Vec<Transport> {
        Brokers::connect(self.config, self.pool.clone()).transports()
    }

    async fn machine(&mut self) -> anyhow::Result<()> {
        note("the machine and its servers by themselves");
        let (mut trips, mut commits) = (Vec::new(), Vec::new());
        let (mut one_row, mut two_rows) = (Vec::new(), Vec::new());
        let (mut copied, mut updated) = (Vec::new(), Vec::new());
        for _ in 0..self.extent.runs {
            trips.push(limits::round_trip_us(&self.pool).await?);
            commits.push(limits::commits(&self.pool, CALLERS, CALLS).await?);
            one_row.push(limits::transactions(&self.pool, CALLERS, CALLS, 1).await?);
            two_rows.push(limits::transactions(&self.pool, CALLERS, CALLS, 2).await?);
            let rows = limits::rows(&self.pool, 100_000).await?;
            copied.push(rows.0);
            updated.push(rows.1);
        }
        self.report.put("machine_round_trip_us", &trips, "SELECT 1, one after the other");
        self.report.put("machine_commits_per_s", &commits, "one row, durable, 16 callers");
        self.report.put("machine_tx_one_row_per_s", &one_row, "BEGIN, a plain row, COMMIT, 16 callers");
        self.report.put("machine_tx_two_rows_per_s", &two_rows, "BEGIN, two plain rows, COMMIT, 16 callers");
        self.report.put("machine_copy_per_s", &copied, "rows of a job's width with a key");
        self.report.put("machine_update_per_s", &updated, "the same in groups of 200; a job has three");
        for broker in Brokers::connect(self.config, self.pool.clone()).all() {
            let mut rates = Vec::new();
            for _ in 0..self.extent.runs {
                rates.push(limits::messages(&broker, 50_000).await?);
            }
            let name = format!("machine_{}_messages_per_s", broker.transport());
            self.report.put(&name, &rates, "one ticket each, published and delivered at once, no ledger");
        }
        Ok(())
    }

    async fn enqueue(&mut self) -> anyhow::Result<()> {
        let (mut bulk, mut single, mut with_row) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..self.extent.runs {
            note(&format!("enqueue, run {}", run + 1));
            reset(&self.pool, Transport::Local, true).await?;
            bulk.push(enqueue_bulk(&self.pool, self.extent.jobs).await?);
            let stop = CancellationToken::new();
            let ledger = noop::ledger(self.config, &stop)?;
            for (rates, row) in [(&mut single, false), (&mut with_row, true)] {
                reset(&self.pool, Transport::Local, true).await?;
                rates.push(enqueue_single(&self.pool, &ledger, CALLERS, CALLS, row).await?);
            }
            stop.cancel();
        }
        self.report.put("enqueue_bulk_per_s", &bulk, "machine_copy_per_s");
        self.report.put("enqueue_single_per_s", &single, "machine_tx_one_row_per_s");
        self.report.put("enqueue_with_row_per_s", &with_row, "machine_tx_two_rows_per_s");
        Ok(())
    }

    async fn drains(&mut self, transport: Transport) -> anyhow::Result<()> {
        let mut drains: Vec<Drain> = Vec::new();
        for run in 0..self.extent.runs {
            note(&format!("drain {transport}, run {}", run + 1));
            drains.push(drain(self.config, &self.pool, transport, self.extent.jobs).await?);
        }
        let each = |figure: fn(&Drain) -> f64| drains.iter().map(figure).collect::<Vec<_>>();
        let name = |part: &str| format!("drain_{transport}_{part}");
        let report = &mut self.report;
        report.put(&name("per_s"), &each(|drain| drain.per_s), "2,000,000 µs of two cores through the cost below");
        report.put(&name("cpu_us_per_job"), &each(|drain| drain.cpu.total()), "the sum of the next four");
        report.put(&name("postgres_us"), &each(|drain| drain.cpu.postgres), "hand over, claim, finish");
        report.put(&name("broker_us"), &each(|drain| drain.cpu.broker), "");
        report.put(&name("worker_us"), &each(|drain| drain.cpu.worker), "");
        report.put(&name("scheduler_us"), &each(|drain| drain.cpu.scheduler), "");
        report.put(&name("worker_mb"), &each(|drain| drain.worker_mb), "after the drain, 500 at once");
        report.put(&name("scheduler_mb"), &each(|drain| drain.scheduler_mb), "");
        Ok(())
    }

    async fn backlogs(&mut self) -> anyhow::Result<()> {
        let transport = self.transports()[0];
        for (count, name) in BACKLOGS {
            if count > self.extent.backlog {
                continue;
            }
            note(&format!("{count} jobs waiting"));
            // Short drains are repeated; otherwise a hundredth of a second would decide.
            let runs = if count < 100_000 { self.extent.runs.max(3) } else { 1 };
            let mut drains = Vec::new();
            for _ in 0..runs {
                drains.push(drain(self.config, &self.pool, transport, count).await?);
            }
            let each = |figure: fn(&Drain) -> f64| drains.iter().map(figure).collect::<Vec<_>>();
            let beside = format!("{transport}; the same for every backlog");
            self.report.put(&format!("backlog_{name}_per_s"), &each(|drain| drain.per_s), &beside);
            self.report.put(&format!("backlog_{name}_cpu_us_per_job"), &each(|drain| drain.cpu.total()), &beside);
            if transport == Transport::Redis {
                self.report.put(&format!("backlog_{name}_redis_mb"), &each(|drain| drain.redis_mb), "the most it held");
            }
        }
        Ok(())
    }

    async fn latencies(&mut self) -> anyhow::Result<()> {
        for (place, transport) in self.transports().into_iter().enumerate() {
            let (mut p50, mut p99) = (Vec::new(), Vec::new());
            for run in 0..self.extent.runs {
                note(&format!("idle latency {transport}, run {}", run + 1));
                let latency = latency::idle(self.config, &self.pool, transport, IDLE_SAMPLES).await?;
                p50.push(latency.p50_ms);
                p99.push(latency.p99_ms);
            }
            // The figures without a transport's name are those of the first broker.
            if place == 0 {
                self.report.put("idle_p50_ms", &p50, "commit to handler start");
                self.report.put("idle_p99_ms", &p99, "");
            }
            self.report.put(&format!("idle_{transport}_p50_ms"), &p50, "");
            self.report.put(&format!("idle_{transport}_p99_ms"), &p99, "");
        }
        note("closing auctions");
        let closing = latency::closing(self.config, &self.pool, AUCTIONS).await?;
        self.report.put("closing_lateness_p50_ms", &[closing.p50_ms], "200 auctions that end 20 ms apart");
        self.report.put("closing_lateness_p99_ms", &[closing.p99_ms], "a due job leaves within 50 ms");
        Ok(())
    }

    /// Makes the listings, once.
    async fn fill(&mut self) -> anyhow::Result<i64> {
        let count = self.extent.listings;
        if !self.is_filled {
            note(&format!("{count} listings to search"));
            search::fill(&self.pool, count).await?;
            self.is_filled = true;
        }
        Ok(count)
    }

    async fn cache(&mut self) -> anyhow::Result<()> {
        let count = self.fill().await?;
        for (name, is_cached) in [("nocache_read", false), ("cache_read", true)] {
            if is_cached && self.config.cache_url.is_none() {
                note("no cache is measured: CACHE_URL is not set");
                continue;
            }
            let mut looks: Vec<Looks> = Vec::new();
            for run in 0..self.extent.runs {
                note(&format!("{name}, run {}", run + 1));
                looks.push(cache::measure(is_cached, self.extent.measured).await?);
            }
            let each = |figure: fn(&Looks) -> f64| looks.iter().map(figure).collect::<Vec<_>>();
            let beside = format!("a page of {count} listings, 12 of them in turn, 16 connections");
            self.report.put(&format!("{name}_p95_ms"), &each(|looks| looks.p95), &beside);
            self.report.put(&format!("{name}_per_s"), &each(|looks| looks.per_s), "");
            if is_cached {
                self.report.put("cache_hit_rate", &each(|looks| looks.hit_rate), "entries live for two seconds");
            }
        }
        Ok(())
    }

    async fn searches(&mut self) -> anyhow::Result<()> {
        let count = self.fill().await?;
        let programs = shared::db::pool_within(&self.config.database.url, shared::db::Limits::WORKING, 1, "bench")?;
        for (name, with_facets) in [("search_plain_p95_ms", false), ("search_p95_ms", true)] {
            let (mut p95, mut slowest) = (Vec::new(), ("", 0.0));
            for run in 0..self.extent.runs {
                note(&format!("{name}, run {}", run + 1));
                let latency = search::measure(&programs, with_facets).await?;
                p95.push(latency.p95);
                slowest = latency.slowest;
            }
            let what = if with_facets { "a page with its facets" } else { "a page" };
            let beside = format!("{what} of {count} listings; slowest: {}, p50 {:.1}", slowest.0, slowest.1);
            self.report.put(name, &p95, &beside);
        }
        Ok(())
    }

    /// Measures every program of an installation, idle.
    async fn memory(&mut self) -> anyhow::Result<()> {
        note("memory of idle programs");
        // The auctions closed above left mails behind, and a worker that sends them is not idle.
        sqlx::query("TRUNCATE jobs, job_attempts, job_logs, workers, queue_status, local_messages")
            .execute(&self.pool)
            .await?;
        let mut parts = Vec::new();
        for name in PROGRAMS {
            parts.push((name, Part::program(name)?));
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        for (name, part) in parts {
            let beside = if name.starts_with("worker") { "≤ 30 idle" } else { "≤ 64" };
            let key = format!("memory_{}_mb", name.replace('-', "_"));
            self.report.put(&key, &[part.resident_mb()?], beside);
            part.stop().await;
        }
        Ok(())
    }
}

#[expect(clippy::print_stderr, reason = "whoever waits minutes wants to know for what")]
pub(crate) fn note(what: &str) {
    eprintln!("{what}");
}
