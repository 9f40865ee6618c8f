//! Requests per second: an auction read by its key, a bid, a purchase and an accepted job, through the API and through two peers that do
//! the same with the same statements on the same PostgreSQL, written with FastAPI and with Express.
//!
//! Sixteen connections, each with one request on its way. Client, server and PostgreSQL share the machine's cores, and no worker runs.
//! What the API does beyond its peers it does here as well: limits, traces, metrics, entity tags, and the messages to its brokers.

pub(crate) mod beside;
pub(crate) mod client;
pub(crate) mod load;
pub(crate) mod market;
mod purchases;
pub(crate) mod searches;
pub(crate) mod server;

use std::time::Duration;

use shared::config::Config;
use sqlx::PgPool;

use self::load::{Bid, Read};
use self::market::{Market, Tokens, clear};
use self::purchases::Bought;
use self::server::{Running, Server};
use crate::report::Report;
use crate::run::{Extent, note};

pub(crate) const CONNECTIONS: usize = 16;
/// Auctions that each connection may bid in; it goes on to the next one after a thousand bids.
pub(crate) const LOTS: usize = 4;

/// Requests answered in a second.
#[derive(Clone, Copy, Debug)]
struct Rates {
    read: f64,
    bid: f64,
    checkout: f64,
    job: f64,
}

/// A figure's name, where it is, and what it is of.
type Figure = (&'static str, fn(&Rates) -> f64, &'static str);

const FIGURES: [Figure; 4] = [
    ("read", |rates| rates.read, "GET /v1/auctions/{id}, 16 connections"),
    ("bid", |rates| rates.bid, "each outbids the one before and enqueues a job, durable"),
    ("checkout", |rates| rates.checkout, "POST /v1/listings/{id}/buy, durable"),
    ("job", |rates| rates.job, "POST /v1/reports, 202, durable"),
];

/// Measures the API and the peers in turn, and reports each figure and how many times the API's it is.
pub(crate) async fn measure(
    config: &Config,
    pool: &PgPool,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    note("auctions, listings and people for requests");
    let (tools, servers) = (extent.tools.as_deref(), Server::all(extent.tools.as_deref()));
    for peer in [Server::FastApi, Server::Express] {
        if !servers.contains(&peer) {
            note(&format!("{peer:?} is left out: its packages are not installed"));
        }
    }
    let market = Market::fill(pool, CONNECTIONS * 2).await?;
    market.tax(pool).await?;
    let mut all: Vec<Vec<Rates>> = vec![Vec::new(); servers.len()];
    // By the API, which comes first.
    let mut made = None;
    for run in 0..extent.runs {
        // Of the API; they work for longer than a run takes.
        let mut tokens = None;
        for (server, rates) in servers.iter().zip(&mut all) {
            note(&format!("requests to {server:?}, run {}", run + 1));
            let running = server.start(config, tools).await?;
            let tokens = match &mut tokens {
                Some(tokens) => tokens,
                none => none.insert(market.log_in(running.addresses[0]).await?),
            };
            let measured = requests(*server, &running, pool, &market, tokens, extent.measured, &mut made).await;
            running.stop().await;
            rates.push(measured?);
        }
    }
    for (name, figure, what) in FIGURES {
        let rates: Vec<Vec<_>> = all.iter().map(|runs| runs.iter().map(figure).collect()).collect();
        put(report, &servers, name, &rates, what);
    }
    if config.amqp_url.is_some() {
        note("bids beside events");
        beside::measure(config, pool, &market, extent, report).await?;
    }
    Ok(())
}

async fn requests(
    server: Server,
    running: &Running,
    pool: &PgPool,
    market: &Market,
    tokens: &Tokens,
    measured: Duration,
    made: &mut Option<Bought>,
) -> anyhow::Result<Rates> {
    let addresses = &running.addresses;
    clear(pool).await?;
    let read = load::measure(addresses, Read::all(&market.auctions, CONNECTIONS), measured).await?;
    let lots = market.lots(pool, CONNECTIONS * LOTS).await?;
    let bid = load::measure(addresses, Bid::all(&lots, &tokens.buyers), measured).await?;
    clear(pool).await?;
    let reports = load::Report::all(&market.orgs, CONNECTIONS, &tokens.admin);
    let job = load::measure(addresses, reports, measured).await?;
    let checkout = purchases::measure(server, addresses, pool, market, tokens, measured, made).await?;
    clear(pool).await?;
    Ok(Rates { read, bid, checkout, job })
}

/// Reports a figure of each server and how many times a peer's the API's is. `rates` has the runs of each server, the API's first.
fn put(report: &mut Report, servers: &[Server], name: &str, rates: &[Vec<f64>], what: &str) {
    for (server, rates) in servers.iter().zip(rates) {
        report.put(&format!("{}{name}_per_s", server.prefix()), rates, what);
    }
    let Some(api) = rates.first() else { return };
    for (peer, theirs) in servers.iter().zip(rates).skip(1) {
        let times: Vec<_> = api.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        report.put(&format!("{name}_vs_{}", peer.prefix().trim_end_matches('_')), &times, "times as many, run by run");
    }
}
