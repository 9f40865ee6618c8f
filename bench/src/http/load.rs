//! Requests from many connections at once, each of which sends the next one as soon as it has the answer to the last.

use std::fmt::Display;
use std::io::Write;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use market::ids::{AuctionId, ListingId};
use serde::Deserialize;
use shared::clock::Clock;
use shared::money::{Currency, Money};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::client::{Answer, Connection};
use crate::events::event;
use crate::report::per_second;

/// How long requests are sent before they count.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// An organisation may bid a thousand times in an auction; two take turns here.
const BIDS_PER_LOT: usize = 1_000;

/// What one connection sends, request by request.
pub(crate) trait Load: Send + 'static {
    /// Writes the next request.
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()>;

    /// Refuses an answer that is not the one that was wanted.
    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()>;
}

/// Sends what every load has to send, each through a connection of its own, spread evenly over the addresses. Returns how many
/// requests were answered in a second.
pub(crate) async fn measure<L: Load>(
    addresses: &[SocketAddr],
    loads: Vec<L>,
    measured: Duration,
) -> anyhow::Result<f64> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + measured;
    let mut connections = JoinSet::new();
    for (load, addr) in loads.into_iter().zip(addresses.iter().cycle()) {
        let connection = Connection::open(*addr).await?;
        connections.spawn(send(connection, load, begin, end));
    }
    let mut answered = 0;
    while let Some(count) = connections.join_next().await {
        answered += count??;
    }
    Ok(per_second(answered, measured))
}

/// Counts the requests that are answered between `begin` and `end`.
async fn send(mut connection: Connection, mut load: impl Load, begin: Instant, end: Instant) -> anyhow::Result<i64> {
    let mut request = Vec::with_capacity(2048);
    let mut answered = 0;
    loop {
        request.clear();
        load.write(&mut request)?;
        load.check(connection.ask(&request).await?)?;
        let now = Instant::now();
        if now >= end {
            return Ok(answered);
        }
        answered += i64::from(now >= begin);
    }
}

/// Sends what every load has to send once in `every`, whatever the answers take; the connections' turns are spread evenly. Returns how
/// long each answer took from the moment in which its request was due.
pub(crate) async fn pace<L: Load>(
    addr: SocketAddr,
    loads: Vec<L>,
    every: Duration,
    measured: Duration,
) -> anyhow::Result<Vec<Duration>> {
    pace_until(addr, loads, every, measured, &CancellationToken::new()).await
}

/// [`pace`], but no longer than until `stop`.
pub(crate) async fn pace_until<L: Load>(
    addr: SocketAddr,
    loads: Vec<L>,
    every: Duration,
    measured: Duration,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<Duration>> {
    let apart = every / u32::try_from(loads.len())?;
    let (mut first, begin) = (Instant::now(), Instant::now() + WARM_UP);
    let mut connections = JoinSet::new();
    for load in loads {
        let connection = Connection::open(addr).await?;
        connections.spawn(send_paced(connection, load, first, every, begin..begin + measured, stop.clone()));
        first += apart;
    }
    let mut took = Vec::new();
    while let Some(these) = connections.join_next().await {
        took.append(&mut these??);
    }
    Ok(took)
}

/// How long the answers took whose requests were due within `counted`.
async fn send_paced(
    mut connection: Connection,
    mut load: impl Load,
    mut due: Instant,
    every: Duration,
    counted: Range<Instant>,
    stop: CancellationToken,
) -> anyhow::Result<Vec<Duration>> {
    let mut request = Vec::with_capacity(2048);
    let mut took = Vec::new();
    while due < counted.end && !stop.is_cancelled() {
        tokio::time::sleep_until(due.into()).await;
        request.clear();
        load.write(&mut request)?;
        load.check(connection.ask(&request).await?)?;
        if counted.contains(&due) {
            took.push(due.elapsed());
        }
        due += every;
    }
    Ok(took)
}

pub(crate) fn expect(answer: Answer<'_>, status: u16) -> anyhow::Result<()> {
    anyhow::ensure!(answer.status == status, "{} instead of {status}: {}", answer.status, answer.text());
    Ok(())
}

/// Writes a request of somebody who is logged in, with a new key.
pub(crate) fn post(
    request: &mut Vec<u8>,
    path: impl Display,
    token: &str,
    org: Option<Uuid>,
    body: &str,
) -> anyhow::Result<()> {
    write!(request, "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n")?;
    if let Some(org) = org {
        write!(request, "tradeyard-org: {org}\r\n")?;
    }
    write!(request, "idempotency-key: {}\r\ncontent-type: application/json\r\n", Uuid::now_v7())?;
    write!(request, "content-length: {}\r\n\r\n{body}", body.len())?;
    Ok(())
}

/// Reads one auction after the other, without a login, in an order that no cache profits from.
#[derive(Debug)]
pub(crate) struct Read {
    auctions: Arc<[AuctionId]>,
    place: usize,
}

impl Read {
    pub(crate) fn all(auctions: &[AuctionId], connections: usize) -> Vec<Self> {
        let auctions: Arc<[AuctionId]> = auctions.into();
        (0..connections).map(|n| Self { auctions: auctions.clone(), place: n * auctions.len() / connections }).collect()
    }
}

impl Load for Read {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        // A prime, so that every auction has its turn.
        self.place = (self.place + 389) % self.auctions.len();
        write!(request, "GET /v1/auctions/{} HTTP/1.1\r\nhost: bench\r\n\r\n", self.auctions[self.place])?;
        Ok(())
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 200)
    }
}

/// Two buyers outbid each other in auctions that nobody else bids in.
#[derive(Debug)]
pub(crate) struct Bid {
    /// The rest of them; the last one is the present one.
    lots: Vec<AuctionId>,
    tokens: [String; 2],
    bids: usize,
    next: Money,
}

/// What is read of the answer to a bid.
#[derive(Deserialize)]
struct Placed {
    outcome: String,
    auction: Standing,
}

#[derive(Deserialize)]
struct Standing {
    next_minimum: Money,
}

impl Bid {
    /// `tokens` has two for each connection.
    pub(crate) fn all(lots: &[AuctionId], tokens: &[String]) -> Vec<Self> {
        let (pairs, _) = tokens.as_chunks::<2>();
        let each = lots.len() / pairs.len();
        let parts = lots.chunks_exact(each);
        pairs.iter().zip(parts).map(|(tokens, lots)| Self::new(lots.to_vec(), tokens.clone())).collect()
    }

    fn new(lots: Vec<AuctionId>, tokens: [String; 2]) -> Self {
        Self { lots, tokens, bids: 0, next: opening() }
    }
}

/// That of every auction of the benchmark.
const fn opening() -> Money {
    Money::from_minor(1_000, Currency::EUR)
}

impl Load for Bid {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        if self.bids == BIDS_PER_LOT {
            self.lots.pop();
            (self.bids, self.next) = (0, opening());
        }
        let lot = self.lots.last().context("all auctions have been bid in; make more")?;
        let body = format!(r#"{{"maximum":{{"amount":"{}","currency":"EUR"}}}}"#, self.next.amount());
        post(request, format_args!("/v1/auctions/{lot}/bids"), &self.tokens[self.bids % 2], None, &body)?;
        self.bids += 1;
        Ok(())
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 201)?;
        let placed: Placed = serde_json::from_slice(answer.body)?;
        anyhow::ensure!(placed.outcome == "leads", "a bid did not lead: {}", answer.text());
        self.next = placed.auction.next_minimum;
        Ok(())
    }
}

/// Buys one unit of one listing after the other.
#[derive(Debug)]
pub(crate) struct Buy {
    listings: Arc<[ListingId]>,
    place: usize,
    token: String,
}

impl Buy {
    /// One connection for each token.
    pub(crate) fn all(listings: &[ListingId], tokens: &[String]) -> Vec<Self> {
        let listings: Arc<[ListingId]> = listings.into();
        let each = |(n, token): (usize, &String)| Self {
            listings: listings.clone(),
            place: n * listings.len() / tokens.len(),
            token: token.clone(),
        };
        tokens.iter().enumerate().map(each).collect()
    }
}

impl Load for Buy {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        self.place = (self.place + 1) % self.listings.len();
        let body = r#"{"quantity":1,"price":{"amount":"100.00","currency":"EUR"}}"#;
        post(request, format_args!("/v1/listings/{}/buy", self.listings[self.place]), &self.token, None, body)
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 201)
    }
}

/// Asks for the reports of one organisation after the other, each of which a job makes.
#[derive(Debug)]
pub(crate) struct Report {
    orgs: Arc<[Uuid]>,
    place: Arc<AtomicUsize>,
    token: String,
}

impl Report {
    pub(crate) fn all(orgs: &[Uuid], connections: usize, token: &str) -> Vec<Self> {
        let (orgs, place): (Arc<[Uuid]>, _) = (orgs.into(), Arc::new(AtomicUsize::new(0)));
        (0..connections).map(|_| Self { orgs: orgs.clone(), place: place.clone(), token: token.to_owned() }).collect()
    }
}

impl Load for Report {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        let place = self.place.fetch_add(1, Ordering::Relaxed) % self.orgs.len();
        let body = r#"{"kind":"sales","format":"csv","first_day":"2026-01-01","last_day":"2026-01-31"}"#;
        post(request, "/v1/reports", &self.token, Some(self.orgs[place]), body)
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 202)
    }
}

/// Reports events of shipments on their way, some in each request.
#[derive(Debug)]
pub(crate) struct Events {
    token: String,
    org: Uuid,
    source: String,
    sent: usize,
}

impl Events {
    /// How many events a request has.
    pub(crate) const EACH: usize = 10;

    pub(crate) fn new(token: String, org: Uuid) -> Self {
        Self { token, org, source: format!("bench-{}", Uuid::now_v7().simple()), sent: 0 }
    }
}

impl Load for Events {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        let numbers = self.sent..self.sent + Self::EACH;
        self.sent = numbers.end;
        let now = Clock::SYSTEM.now();
        let reported: Vec<_> = numbers.map(|n| event(&self.source, n, now)).collect();
        let body = serde_json::to_string(&reported)?;
        post(request, "/v1/cargo-events", &self.token, Some(self.org), &body)
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 202)
    }
}
