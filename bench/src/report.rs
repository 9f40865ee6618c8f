//! Runs the measurements and prints their medians.

use comfy_table::{Table, presets};
use jobs::kit::job::Carrier;
use serde_json::json;
use shared::config::Config;
use tokio_util::sync::CancellationToken;

use crate::measure::{self, Drain};

/// Runs everything against the configured servers. The ledger named by `DATABASE_URL` is emptied: use a database for it.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the report is what this program is for")]
pub(crate) async fn run(config: &Config, count: i64, runs: usize, as_json: bool) -> anyhow::Result<()> {
    let pool = shared::db::pool(&config.database.url, 4, "bench")?;
    shared::db::migrate(&pool).await?;
    let carriers: Vec<Carrier> = [
        config.redis_url.is_some().then_some(Carrier::Redis),
        config.amqp_url.is_some().then_some(Carrier::Rabbit),
        Some(Carrier::Local),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut figures = serde_json::Map::new();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(["figure", "median", "runs"]);
    for &carrier in &carriers {
        let mut drains: Vec<Drain> = Vec::new();
        for run in 0..runs {
            eprintln!("drain {carrier}, run {}", run + 1);
            drains.push(measure::drain(&pool, carrier, count).await?);
        }
        let rates: Vec<f64> = drains.iter().map(|drain| drain.per_s).collect();
        let worker: Vec<f64> = drains.iter().map(|drain| drain.worker_mb).collect();
        let scheduler: Vec<f64> = drains.iter().map(|drain| drain.scheduler_mb).collect();
        put(&mut figures, &mut table, &format!("drain_{carrier}_per_s"), &rates);
        put(&mut figures, &mut table, &format!("drain_{carrier}_worker_mb"), &worker);
        put(&mut figures, &mut table, &format!("drain_{carrier}_scheduler_mb"), &scheduler);
    }
    let mut bulk = Vec::new();
    let mut single = Vec::new();
    for run in 0..runs {
        eprintln!("enqueue, run {}", run + 1);
        measure::reset(&pool, Carrier::Local, true).await?;
        bulk.push(measure::enqueue_bulk(&pool, count).await?);
        measure::reset(&pool, Carrier::Local, true).await?;
        let stop = CancellationToken::new();
        single.push(measure::enqueue_single(&crate::noop::ledger(config, &stop)?, 16, 1_000).await?);
        stop.cancel();
    }
    put(&mut figures, &mut table, "enqueue_bulk_per_s", &bulk);
    put(&mut figures, &mut table, "enqueue_single_per_s", &single);
    for &carrier in &carriers {
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for run in 0..runs {
            eprintln!("idle latency {carrier}, run {}", run + 1);
            measure::reset(&pool, carrier, false).await?;
            let (scheduler, worker) = measure::start(&pool).await?;
            let stop = CancellationToken::new();
            let ledger = crate::noop::ledger(config, &stop)?;
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let (half, most) = measure::idle_latency(&ledger, 500).await?;
            p50.push(half);
            p99.push(most);
            stop.cancel();
            worker.stop().await;
            scheduler.stop().await;
        }
        // The figures without a transport's name are those of the first broker.
        if figures.get("idle_p50_ms").is_none() {
            put(&mut figures, &mut table, "idle_p50_ms", &p50);
            put(&mut figures, &mut table, "idle_p99_ms", &p99);
        }
        put(&mut figures, &mut table, &format!("idle_{carrier}_p50_ms"), &p50);
        put(&mut figures, &mut table, &format!("idle_{carrier}_p99_ms"), &p99);
    }
    if as_json {
        println!("{}", json!(figures));
    } else {
        println!("{table}");
    }
    Ok(())
}

fn put(figures: &mut serde_json::Map<String, serde_json::Value>, table: &mut Table, name: &str, runs: &[f64]) {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let rounded = if median >= 100.0 { median.round() } else { (median * 100.0).round() / 100.0 };
    figures.insert(name.to_owned(), json!(rounded));
    let all: Vec<String> = runs.iter().map(|value| format!("{value:.2}")).collect();
    table.add_row([name.to_owned(), rounded.to_string(), all.join("  ")]);
}
