//! Requests per second: an auction read by its key, a bid, a purchase and an accepted job, through the API and through two peers that do
//! the same (but for the purchase) with the same statements on the same PostgreSQL, written with FastAPI and with Express.
//!
//! Sixteen connections, each with one request on its way. Client, server and PostgreSQL share the machine's cores, and no worker runs.
//! What the API does beyond its peers it does here as well: limits, traces, metrics, entity tags, and the messages to its brokers.

pub(crate) mod beside;
pub(crate) mod client;
pub(crate) mod load;
pub(crate) mod market;
pub(crate) mod server;

use std::time::Duration;

use shared::config::Config;
use sqlx::PgPool;

use self::load::{Bid, Buy, Read};
use self::market::{Market, Tokens, clear};
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
    /// The API's alone.
    checkout: Option<f64>,
    job: f64,
}

/// A figure's name, where it is, and what it is of.
type Figure = (&'static str, fn(&Rates) -> f64, &'static str);

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
    let mut all: Vec<Vec<Rates>> = vec![Vec::new(); servers.len()];
    for run in 0..extent.runs {
        // Of the API, which comes first; they work for longer than a run takes.
        let mut tokens = None;
        for (server, rates) in servers.iter().zip(&mut all) {
            note(&format!("requests to {server:?}, run {}", run + 1));
            let running = server.start(config, tools).await?;
            let tokens = match &mut tokens {
                Some(tokens) => tokens,
                none => none.insert(market.log_in(running.addresses[0]).await?),
            };
            let measured = requests(*server, &running, pool, &market, tokens, extent.measured).await;
            running.stop().await;
            rates.push(measured?);
        }
    }
    put(report, &servers, &all);
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
) -> anyhow::Result<Rates> {
    let addresses = &running.addresses;
    clear(pool).await?;
    let read = load::measure(addresses, Read::all(&market.auctions, CONNECTIONS), measured).await?;
    let lots = market.lots(pool, CONNECTIONS * LOTS).await?;
    let bid = load::measure(addresses, Bid::all(&lots, &tokens.buyers), measured).await?;
    clear(pool).await?;
    let reports = load::Report::all(&market.orgs, CONNECTIONS, &tokens.admin);
    let job = load::measure(addresses, reports, measured).await?;
    let checkout = if server == Server::Api {
        let purchases = Buy::all(&market.listings, &tokens.buyers[..CONNECTIONS]);
        Some(load::measure(addresses, purchases, measured).await?)
    } else {
        None
    };
    clear(pool).await?;
    Ok(Rates { read, bid, checkout, job })
}

/// `all` has the runs of each server, the API's first.
fn put(report: &mut Report, servers: &[Server], all: &[Vec<Rates>]) {
    let each = |rates: &[Rates], figure: fn(&Rates) -> f64| rates.iter().map(figure).collect::<Vec<_>>();
    let figures: [Figure; 3] = [
        ("read", |rates| rates.read, "GET /v1/auctions/{id}, 16 connections"),
        ("bid", |rates| rates.bid, "each outbids the one before and enqueues a job, durable"),
        ("job", |rates| rates.job, "POST /v1/reports, 202, durable"),
    ];
    for (server, rates) in servers.iter().zip(all) {
        for (name, figure, beside) in figures {
            report.put(&format!("{}{name}_per_s", server.prefix()), &each(rates, figure), beside);
        }
        let checkouts: Vec<_> = rates.iter().filter_map(|rates| rates.checkout).collect();
        if !checkouts.is_empty() {
            report.put("checkout_per_s", &checkouts, "POST /v1/listings/{id}/buy, durable");
        }
    }
    let Some(api) = all.first() else { return };
    for (peer, theirs) in servers.iter().zip(all).skip(1) {
        for (name, figure, _) in figures {
            let times: Vec<_> = api.iter().zip(theirs).map(|(ours, theirs)| figure(ours) / figure(theirs)).collect();
            let peer = peer.prefix().trim_end_matches('_');
            report.put(&format!("{name}_vs_{peer}"), &times, "times as many, run by run");
        }
    }
}
