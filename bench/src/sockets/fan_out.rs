//! How long a bid takes until everybody who watches its auction knows of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use market::ids::AuctionId;
use serde::Deserialize;
use sqlx::PgPool;

use super::WATCHERS;
use super::crowd::{Crowd, News};
use crate::http::client::Connection;
use crate::http::load::{Bid, Load};
use crate::http::market::Market;
use crate::report::percentile_ms;

const BIDS: usize = 50;
/// Further apart than events are held back, so that each bid is one.
const APART: Duration = Duration::from_millis(200);
/// After the last bid; what has not arrived then is missed.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// What the sockets heard of the bids.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Bids that did not arrive, over all sockets.
    pub(super) missed: f64,
}

/// A bid: the version of the auction that it made, and when it was sent.
pub(super) type Sent = (i64, Instant);

#[derive(Deserialize)]
struct Placed {
    auction: Version,
}

#[derive(Deserialize)]
struct Version {
    version: i64,
}

pub(super) async fn measure(
    api: SocketAddr,
    pool: &PgPool,
    market: &Market,
    people: &[String],
) -> anyhow::Result<Heard> {
    let lots = market.lots(pool, 1).await?;
    let lot = lots.first().context("an auction to watch")?;
    let crowd = Crowd::open(api, &people[..WATCHERS], &format!("auction:{lot}")).await?;
    let bids = bids(api, &lots, &people[..2]).await?;
    tokio::time::sleep(LAST_WAIT).await;
    let news = crowd.leave().await?;
    let (took, missed) = arrivals(&bids, &news);
    Ok(Heard {
        p50_ms: percentile_ms(took.clone(), 50),
        p99_ms: percentile_ms(took, 99),
        missed: f64::from(u32::try_from(missed)?),
    })
}

/// Two people outbid each other in the auction.
async fn bids(api: SocketAddr, lots: &[AuctionId], bidders: &[String]) -> anyhow::Result<Vec<Sent>> {
    let mut connection = Connection::open(api).await?;
    let mut bid = Bid::all(lots, bidders).pop().context("two bidders")?;
    let (mut request, mut sent) = (Vec::new(), Vec::with_capacity(BIDS));
    for _ in 0..BIDS {
        request.clear();
        bid.write(&mut request)?;
        let at = Instant::now();
        let answer = connection.ask(&request).await?;
        bid.check(answer)?;
        let placed: Placed = serde_json::from_slice(answer.body)?;
        sent.push((placed.auction.version, at));
        tokio::time::sleep(APART).await;
    }
    Ok(sent)
}

/// How long each bid took to each socket, and how many never came. A later version stands for those before it.
pub(super) fn arrivals(bids: &[Sent], news: &[News]) -> (Vec<Duration>, usize) {
    let mut took = Vec::with_capacity(bids.len() * news.len());
    let mut missed = 0;
    for (version, sent) in bids {
        for socket in news {
            match socket.iter().find(|(seq, _)| seq >= version) {
                Some((_, at)) => took.push(at.duration_since(*sent)),
                None => missed += 1,
            }
        }
    }
    (took, missed)
}

#[cfg(test)]
mod tests;
