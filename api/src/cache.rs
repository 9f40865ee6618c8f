//! Answers that are the same for everybody and asked for all the time, kept in Redis for a moment: pages of the search with their
//! facets, parts that fit a model, categories, models, exchange rates.
//!
//! What is kept is the body as it was sent. Entity tags, conditional requests, limits and headers stand around the routes, so that they
//! are the same with and without it. PostgreSQL stays the truth: whatever Redis does not say within [`link::PATIENCE`] is read there.
//!
//! **How old an answer may be.** A look at Redis also reads Redis' clock, before PostgreSQL is asked, and what is read then is kept until
//! [`LIFETIME`] after that time, by the same clock. So no entry outlives the moment of its reading by more, however long the reading took,
//! whenever the entry arrives, and whatever the clocks of the processes show. Who waits for somebody else's reading joins none that began
//! longer ago. So what was committed [`LIFETIME`] before a request came is in its answer.
//!
//! # How to get this wrong
//! - Keeping what depends on who asks: nothing here knows the caller, and a route that has one does not belong here.
//! - Counting an entry's life from when it is written: a reading from before a suspension would be written after it, and live on.
//! - Taking two questions for one: the key has everything that the path and the query say, in the order that means something.
//! - Waiting for Redis when it is away: each request would pay.

mod flights;
mod link;

use std::time::Duration;

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use redis::RedisError;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::caching::Encoded;
use crate::error::{Problem, Result};
use flights::{Flights, Lead, Outcome, Place};
use link::{Link, PATIENCE, Said};

/// How long an answer is kept: as long as somebody may go on seeing what has just been hidden.
const LIFETIME: Duration = Duration::from_secs(2);
/// The format of the entries; it rises when older ones cannot be read any more.
const FORMAT: u32 = 1;
/// The largest body that is kept, in bytes. A page of a hundred listings has less.
const MAX_BODY: usize = 1024 * 1024;

/// What an answer is of, in keys and in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Categories,
    /// A page of the search with counts of its facets.
    Facets,
    Listings,
    Models,
    Parts,
    Rates,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Categories => "categories",
            Self::Facets => "facets",
            Self::Listings => "listings",
            Self::Models => "models",
            Self::Parts => "parts",
            Self::Rates => "rates",
        }
    }
}

/// The cache of an installation, or none.
#[derive(Debug)]
pub(crate) struct Cache(Option<Kept>);

#[derive(Debug)]
struct Kept {
    link: Link,
    flights: Flights,
    /// What the names of all entries begin with.
    prefix: String,
    lifetime: Duration,
}

/// What Redis said of a key.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Body(Bytes),
    /// There is no entry; Redis' clock showed this, in milliseconds.
    Nothing(u64),
    /// Nothing in time.
    Silence,
    /// It was not asked, because it was away a moment ago.
    Unasked,
}

impl Cache {
    /// Keeps answers at `url`, if there is one. Must be called inside a Tokio runtime; the connection opens in the background.
    pub(crate) fn start(url: Option<&SecretString>, namespace: &str) -> Result<Self, RedisError> {
        url.map(|url| Kept::start(url, namespace, LIFETIME, PATIENCE)).transpose().map(Self)
    }

    /// The answer to `uri`, which is the same for everybody: kept, or what `read` finds. A problem is not kept.
    pub(crate) async fn answer<T, F>(&self, what: What, uri: &Uri, read: impl FnOnce() -> F) -> Result<Encoded>
    where
        T: Serialize,
        F: Future<Output = Result<T>>,
    {
        let Some(kept) = &self.0 else { return encoded(Box::pin(read()).await).map(Encoded) };
        kept.answer(what, &kept.key(what, uri), read).await.map(Encoded)
    }

    /// Whether Redis answers; `None` without a cache.
    pub(crate) async fn is_there(&self) -> Option<bool> {
        let kept = self.0.as_ref()?;
        Some(matches!(kept.link.ask::<()>(redis::pipe().cmd("PING")).await, Said::Value(())))
    }
}

impl Kept {
    fn start(url: &SecretString, namespace: &str, lifetime: Duration, patience: Duration) -> Result<Self, RedisError> {
        let (link, prefix) = (Link::open(url, patience)?, format!("{namespace}.cache:{FORMAT}:"));
        Ok(Self { link, flights: Flights::default(), prefix, lifetime })
    }

    /// The name of the answer to `uri`: two spellings of one question may have two names, but no two questions have one.
    fn key(&self, what: What, uri: &Uri) -> String {
        let name = |pair: &str| pair.find('=').unwrap_or(pair.len());
        let mut pairs: Vec<_> = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
        // Stable: the values of a parameter that is given several times keep their order.
        pairs.sort_by(|one, other| one[..name(one)].cmp(&other[..name(other)]));
        // A path has no `?` of its own, and a pair no `&`.
        let question = format!("{}?{}", uri.path(), pairs.join("&"));
        format!("{}{}:{}", self.prefix, what.name(), URL_SAFE_NO_PAD.encode(&Sha256::digest(question)[..]))
    }

    async fn answer<T, F>(&self, what: What, key: &str, read: impl FnOnce() -> F) -> Result<Bytes>
    where
        T: Serialize,
        F: Future<Output = Result<T>>,
    {
        let (result, looked_at) = match self.look(key).await {
            Found::Body(body) => {
                count(what, "hit");
                return Ok(body);
            }
            Found::Nothing(at) => ("miss", Some(at)),
            Found::Silence => ("error", None),
            Found::Unasked => ("bypass", None),
        };
        loop {
            match self.flights.join(key, self.lifetime, Instant::now()) {
                Place::Lead(lead) => {
                    count(what, result);
                    return self.lead(lead, looked_at, read).await;
                }
                Place::Follow(flight) => match flights::outcome(flight).await {
                    Some(Outcome::Body(body)) => {
                        count(what, "hit");
                        return Ok(body);
                    }
                    // Each is refused for reasons of its own.
                    Some(Outcome::Problem) => {
                        count(what, result);
                        return encoded(Box::pin(read()).await);
                    }
                    // Whoever read has gone away: somebody else begins.
                    None => {}
                },
            }
        }
    }

    /// Reads for all who ask meanwhile. Redis' clock was read before, if it was.
    async fn lead<T, F>(&self, lead: Lead<'_>, looked_at: Option<u64>, read: impl FnOnce() -> F) -> Result<Bytes>
    where
        T: Serialize,
        F: Future<Output = Result<T>>,
    {
        let body = match encoded(Box::pin(read()).await) {
            Ok(body) => body,
            Err(problem) => {
                lead.land(Outcome::Problem);
                return Err(problem);
            }
        };
        lead.land(Outcome::Body(body.clone()));
        if let Some(at) = looked_at {
            self.keep(lead.key(), &body, at).await;
        }
        Ok(body)
    }

    async fn look(&self, key: &str) -> Found {
        let mut look = redis::pipe();
        look.cmd("GET").arg(key).cmd("TIME");
        match self.link.ask::<(Option<Vec<u8>>, (u64, u64))>(&look).await {
            Said::Value((Some(body), _)) => Found::Body(body.into()),
            Said::Value((None, (seconds, micros))) => Found::Nothing(seconds * 1_000 + micros / 1_000),
            Said::Nothing => Found::Silence,
            Said::Unasked => Found::Unasked,
        }
    }

    /// Keeps what was read after `looked_at`. An entry that arrives after its end is gone at once.
    async fn keep(&self, key: &str, body: &Bytes, looked_at: u64) {
        if body.len() > MAX_BODY {
            return;
        }
        let ends = looked_at + u64::try_from(self.lifetime.as_millis()).unwrap_or(0);
        let mut entry = redis::pipe();
        entry.cmd("SET").arg(key).arg(&body[..]).arg("PXAT").arg(ends);
        // Without it the next request reads again.
        let _ = self.link.ask::<()>(&entry).await;
    }
}

fn encoded<T: Serialize>(read: Result<T>) -> Result<Bytes> {
    serde_json::to_vec(&read?).map(Bytes::from).map_err(Problem::internal)
}

/// `hit`: answered without a reading of one's own; otherwise read, `miss`: because Redis has nothing, `error`: because it did not answer,
/// `bypass`: without asking it, because it was away a moment ago.
fn count(what: What, result: &'static str) {
    metrics::counter!("tradeyard_cache_reads_total", "what" => what.name(), "result" => result).increment(1);
}

#[cfg(test)]
mod tests;
