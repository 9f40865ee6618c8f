//! Events from a carrier's request over HTTP to their rows in the log. API, `worker-cargo`, RabbitMQ, PostgreSQL and the carrier share the
//! machine's cores.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use market::cargo::CargoEvent;
use shared::clock::Clock;
use shared::config::Config;
use shared::ids::OrgId;
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{LONGEST, REQUEST, event, stored};
use crate::http::client::Connection;
use crate::http::load::{expect, post};
use crate::http::market::{Market, clear};
use crate::http::server::Server;
use crate::processes::Part;
use crate::report::{Report, per_second, percentile_ms};
use crate::run::{Extent, note};

/// How many events are reported in full requests.
const BATCHED: usize = 100_000;
/// How many requests are on their way at a time.
const CALLERS: usize = 4;
/// How many events are reported one by one, and how far apart.
const SINGLY: usize = 300;
const APART: Duration = Duration::from_millis(20);
/// How often a row is looked for.
const LOOK: Duration = Duration::from_millis(1);

/// Who reports.
struct Reporter {
    api: SocketAddr,
    log: PgPool,
    token: String,
    org: OrgId,
}

pub(super) async fn measure(
    config: &Config,
    pool: &PgPool,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let market = Market::fill(pool, 0).await?;
    let log = shared::db::pool(&config.events_database_url, 2, "bench-events")?;
    let (mut rates, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..extent.runs {
        note(&format!("cargo events through the API, run {}", run + 1));
        clear(pool).await?;
        let running = Server::Api.start(config, None).await?;
        let worker = Part::program("worker-cargo")?;
        let api = running.addresses[0];
        let token = market.log_in(api).await?.admin;
        let reporter = Reporter { api, log: log.clone(), token, org: market.admin.org };
        // The worker is there when this one has its row.
        reporter.singly(1).await?;
        rates.push(reporter.in_batches().await?);
        let took = reporter.singly(SINGLY).await?;
        p50.push(percentile_ms(took.clone(), 50));
        p99.push(percentile_ms(took, 99));
        worker.stop().await;
        running.stop().await;
    }
    clear(pool).await?;
    report.put(
        "events_api_per_s",
        &rates,
        "HTTP, 1,000 in a request, four requests at a time; until all of them are in the log",
    );
    report.put("events_api_to_log_p50_ms", &p50, "from the 202 to the row, one event every 20 ms; to the millisecond");
    report.put("events_api_to_log_p99_ms", &p99, "");
    Ok(())
}

impl Reporter {
    /// Events per second, from the first request until the last event has its row.
    async fn in_batches(&self) -> anyhow::Result<f64> {
        let source = new_source();
        let now = Clock::SYSTEM.now();
        // Written beforehand, because that would take the API's time.
        let mut parts: Vec<Vec<Vec<u8>>> = vec![Vec::new(); CALLERS];
        for (place, first) in (0..BATCHED).step_by(REQUEST).enumerate() {
            let events: Vec<_> = (first..first + REQUEST).map(|n| event(&source, n, now)).collect();
            parts[place % CALLERS].push(self.request(&serde_json::to_string(&events)?)?);
        }
        let began = Instant::now();
        let mut callers = JoinSet::new();
        for requests in parts {
            callers.spawn(send(self.api, requests));
        }
        while let Some(sent) = callers.join_next().await {
            sent??;
        }
        while stored(&self.log, self.org, &source).await? < BATCHED {
            anyhow::ensure!(began.elapsed() < LONGEST, "events are missing in the log");
            tokio::time::sleep(LOOK).await;
        }
        Ok(per_second(i64::try_from(BATCHED)?, began.elapsed()))
    }

    /// How long each of so many events took from its 202 to its row; the next one is reported when it has it.
    async fn singly(&self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let source = new_source();
        let mut connection = Connection::open(self.api).await?;
        let mut took = Vec::with_capacity(count);
        for n in 0..count {
            let next = Instant::now() + APART;
            let one = event(&source, n, Clock::SYSTEM.now());
            let request = self.request(&serde_json::to_string(&one)?)?;
            expect(connection.ask(&request).await?, 202)?;
            let answered = Instant::now();
            while !self.is_stored(&one).await? {
                anyhow::ensure!(answered.elapsed() < LONGEST, "an event is missing in the log");
                tokio::time::sleep(LOOK).await;
            }
            took.push(answered.elapsed());
            tokio::time::sleep_until(next.into()).await;
        }
        Ok(took)
    }

    fn request(&self, body: &str) -> anyhow::Result<Vec<u8>> {
        let mut request = Vec::with_capacity(body.len() + 512);
        post(&mut request, "/v1/cargo-events", &self.token, Some(self.org.0), body)?;
        Ok(request)
    }

    async fn is_stored(&self, event: &CargoEvent) -> anyhow::Result<bool> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM cargo_event_keys WHERE org = $1 AND source = $2 AND source_event_id = $3)",
        )
        .bind(self.org.0)
        .bind(&event.source)
        .bind(&event.source_event_id)
        .fetch_one(&self.log)
        .await?;
        Ok(found)
    }
}

async fn send(api: SocketAddr, requests: Vec<Vec<u8>>) -> anyhow::Result<()> {
    let mut connection = Connection::open(api).await?;
    for request in requests {
        expect(connection.ask(&request).await?, 202)?;
    }
    Ok(())
}

fn new_source() -> String {
    format!("api-{}", Uuid::now_v7().simple())
}
