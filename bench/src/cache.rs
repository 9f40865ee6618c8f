//! Pages of the search through the API, with its cache and without it: the few that visitors ask for all the time, from sixteen connections,
//! each of which sends the next request as soon as it has the answer to the last.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use crate::http::client::Connection;
use crate::http::server::{free_address, start_api};
use crate::report::per_second;

const CONNECTIONS: usize = 16;
/// How long requests are sent before they count.
const WARM_UP: Duration = Duration::from_secs(1);
/// The front page and what it leads to.
const PAGES: [&str; 12] = [
    "limit=20",
    "limit=20&facets=true",
    "limit=20&mode=auction",
    "limit=20&category=machinery&facets=true",
    "limit=20&category=machinery/tractors&facets=true",
    "limit=20&category=machinery/tractors&facets=true&where=make:Make%203",
    "limit=20&category=machinery/tractors&facets=true&where=horsepower:80..&sort=price",
    "limit=20&category=machinery/implements&facets=true",
    "limit=20&category=parts&facets=true",
    "limit=20&q=tractor",
    "limit=20&q=plough&sort=relevance",
    "limit=20&price_from=1000&price_to=20000&sort=price_desc",
];
/// From one page to the next, so that neighbouring connections do not go in step.
const STEP: usize = 5;

/// What visitors met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    /// Milliseconds of which 95 in 100 answers took no more.
    pub(crate) p95: f64,
    pub(crate) per_s: f64,
    /// The share of answers that cost no reading of PostgreSQL; none without the cache.
    pub(crate) hit_rate: f64,
}

/// Starts an API, with its cache or without, and reads the pages again and again.
pub(crate) async fn measure(is_cached: bool, measured: Duration) -> anyhow::Result<Looks> {
    let operators = free_address()?;
    let health = operators.to_string();
    let mut settings = vec![("HEALTH_ADDR", health.as_str())];
    if !is_cached {
        settings.push(("CACHE_URL", ""));
    }
    let running = start_api(&settings).await?;
    let looks = look(running.addresses[0], operators, measured).await;
    running.stop().await;
    looks
}

async fn look(api: SocketAddr, operators: SocketAddr, measured: Duration) -> anyhow::Result<Looks> {
    let begin = Instant::now() + WARM_UP;
    let mut visitors = JoinSet::new();
    for first in 0..CONNECTIONS {
        visitors.spawn(visit(Connection::open(api).await?, first, begin, begin + measured));
    }
    let mut took = Vec::new();
    while let Some(these) = visitors.join_next().await {
        took.append(&mut these??);
    }
    took.sort_unstable();
    let p95 = took.get(took.len() * 95 / 100).context("no page was read in time")?.as_secs_f64() * 1_000.0;
    let per_s = per_second(i64::try_from(took.len())?, measured);
    Ok(Looks { p95, per_s, hit_rate: hit_rate(operators).await? })
}

/// How long each answer took whose request was sent after `begin`.
async fn visit(
    mut connection: Connection,
    first: usize,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let (mut request, mut took) = (Vec::with_capacity(256), Vec::new());
    for page in (first..).step_by(STEP) {
        request.clear();
        write!(request, "GET /v1/listings?{} HTTP/1.1\r\nhost: bench\r\n\r\n", PAGES[page % PAGES.len()])?;
        let sent = Instant::now();
        let answer = connection.ask(&request).await?;
        anyhow::ensure!(answer.status == 200, "a page was answered {}: {}", answer.status, answer.text());
        if sent >= begin {
            took.push(sent.elapsed());
        }
        if Instant::now() >= end {
            break;
        }
    }
    Ok(took)
}

/// What the API's metrics say.
async fn hit_rate(operators: SocketAddr) -> anyhow::Result<f64> {
    let mut operators = Connection::open(operators).await?;
    let answer = operators.ask(b"GET /metrics HTTP/1.1\r\nhost: bench\r\n\r\n").await?;
    anyhow::ensure!(answer.status == 200, "the metrics were answered {}", answer.status);
    Ok(share_of_hits(&answer.text()))
}

fn share_of_hits(metrics: &str) -> f64 {
    let (mut hits, mut all) = (0.0, 0.0);
    for line in metrics.lines().filter(|line| line.starts_with("tradeyard_cache_reads_total{")) {
        let count: f64 = line.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or_default();
        all += count;
        if line.contains("result=\"hit\"") {
            hits += count;
        }
    }
    if all > 0.0 { hits / all } else { 0.0 }
}

#[cfg(test)]
mod tests;
