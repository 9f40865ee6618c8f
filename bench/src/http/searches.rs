//! Pages of the search with counts of their facets, from the API and from its peers: every request reads PostgreSQL, since the API runs
//! without its cache.
//!
//! Before they are measured, all must find the same: the same listings in the same order, with the same counts.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use shared::config::Config;
use uuid::Uuid;

use super::client::{Answer, Connection};
use super::load::{self, Load, expect};
use super::server::{Running, Server, start_api};
use super::{CONNECTIONS, put};
use crate::report::Report;
use crate::run::{Extent, note};

/// How many of the searches are compared.
const COMPARED: usize = 60;
/// From the first search of one connection to that of the next, so that they do not go in step.
const APART: usize = 31;

/// What visitors look for, number by number: a category, a make, power from the cheapest on, both, a word, and prices.
fn search(n: usize) -> String {
    let variation = n / 6;
    let (make, power, word) = (variation % 28, 380 - variation % 25, variation * 79 % 2_000);
    match n % 6 {
        0 => "category=machinery/tractors".to_owned(),
        1 => format!("category=machinery/tractors&where=make:Make%20{make}"),
        2 => format!("category=machinery/tractors&where=horsepower:{power}..&sort=price"),
        3 => format!("category=machinery/tractors&where=horsepower:80..&where=make:Make%20{make}"),
        4 => format!("q=word{word}"),
        _ => format!("price_from=1000&price_to={}&sort=price_desc", 20_000 + variation % 25 * 500),
    }
}

fn write(request: &mut Vec<u8>, n: usize) -> anyhow::Result<()> {
    write!(request, "GET /v1/listings?limit=20&facets=true&{} HTTP/1.1\r\nhost: bench\r\n\r\n", search(n))?;
    Ok(())
}

/// One search after the other.
#[derive(Debug)]
struct Search {
    next: usize,
}

impl Load for Search {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        write(request, self.next)?;
        self.next += 1;
        Ok(())
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 200)
    }
}

/// What is compared of an answer.
#[derive(Debug, PartialEq, Deserialize)]
struct Page {
    items: Vec<Item>,
    facets: Value,
    /// Whether there is more; each server has cursors of its own.
    #[serde(default, rename = "next", deserialize_with = "is_there")]
    has_more: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Item {
    id: Uuid,
    title: String,
    #[serde(deserialize_with = "with_doubles")]
    attributes: Value,
    price: Value,
    available: i64,
}

fn is_there<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    Option::<String>::deserialize(value).map(|cursor| cursor.is_some())
}

/// A value with all its numbers as doubles: what is `7.0` to Rust and Python is `7` to JavaScript.
fn with_doubles<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Value, D::Error> {
    fn doubles(value: &mut Value) {
        match value {
            Value::Number(number) => *value = number.as_f64().into(),
            Value::Array(values) => values.iter_mut().for_each(doubles),
            Value::Object(fields) => fields.values_mut().for_each(doubles),
            _ => {}
        }
    }
    let mut value = Value::deserialize(value)?;
    doubles(&mut value);
    Ok(value)
}

/// Searches with the API and its peers in turn, and reports how many searches each answers in a second.
pub(crate) async fn measure(config: &Config, extent: &Extent, report: &mut Report) -> anyhow::Result<()> {
    let tools = extent.tools.as_deref();
    let servers = Server::all(tools);
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); servers.len()];
    // Of the API, which comes first.
    let mut expected = None;
    for run in 0..extent.runs {
        for (server, rates) in servers.iter().zip(&mut all) {
            note(&format!("searches to {server:?}, run {}", run + 1));
            let running = match server {
                Server::Api => start_api(&[("CACHE_URL", "")]).await?,
                peer => peer.start(config, tools).await?,
            };
            let measured = searches(*server, &running, &mut expected, extent).await;
            running.stop().await;
            rates.push(measured?);
        }
    }
    let what = format!("GET /v1/listings with facets, {} listings, no cache", extent.listings);
    put(report, &servers, "search", &all, &what);
    Ok(())
}

async fn searches(
    server: Server,
    running: &Running,
    expected: &mut Option<Vec<Page>>,
    extent: &Extent,
) -> anyhow::Result<f64> {
    for addr in &running.addresses {
        let found = pages(*addr).await?;
        match expected {
            None => *expected = Some(found),
            Some(expected) => same(server, expected, &found)?,
        }
    }
    let loads: Vec<Search> = (0..CONNECTIONS).map(|n| Search { next: n * APART }).collect();
    load::measure(&running.addresses, loads, extent.measured).await
}

/// What a server finds.
async fn pages(addr: SocketAddr) -> anyhow::Result<Vec<Page>> {
    let mut connection = Connection::open(addr).await?;
    let mut pages: Vec<Page> = Vec::with_capacity(COMPARED);
    for n in 0..COMPARED {
        let mut request = Vec::new();
        write(&mut request, n)?;
        let answer = connection.ask(&request).await?;
        expect(answer, 200)?;
        pages.push(serde_json::from_slice(answer.body).with_context(|| format!("the answer to {}", search(n)))?);
    }
    anyhow::ensure!(pages.iter().any(|page| page.has_more), "nothing is found: make more listings");
    Ok(pages)
}

fn same(server: Server, expected: &[Page], found: &[Page]) -> anyhow::Result<()> {
    for (n, (ours, theirs)) in expected.iter().zip(found).enumerate() {
        let asked = search(n);
        for (ours, theirs) in ours.items.iter().zip(&theirs.items) {
            anyhow::ensure!(ours == theirs, "{server:?} finds {theirs:?} instead of {ours:?} for {asked}");
        }
        anyhow::ensure!(ours == theirs, "{server:?} counts otherwise than the API, or finds more or less, for {asked}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
